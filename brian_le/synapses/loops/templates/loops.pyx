{# ALLOWS_SCALAR_WRITE #}
{% macro _module(code) %}
#cython: language_level=3
#cython: boundscheck=False
#cython: wraparound=False
cimport numpy as _numpy

_numpy.import_array()

cdef extern from *:
    """
    #include <cmath>
    #include <cstdint>
    #include <climits>
    #include <cstdlib>
    #include "stdint_compat.h"
    #ifndef M_PI
    #define M_PI 3.14159265358979323846
    #endif
    namespace {
    {{support_code_lines|join('\n')|replace('\\', '\\\\')|autoindent}}
    }
    {{hashdefine_lines|join('\n')|autoindent}}

    static void _le_loops(void** _le_arrays)
    {
    {% for pointer, c_type, name in arrays %}
        {{c_type}}* {{pointer}} = ({{c_type}}*) _le_arrays[{{loop.index0}}];
    {% endfor %}
    {% for name, c_type, value in constants %}
        const {{c_type}} {{name}} = {{value}};
    {% endfor %}
        {{code|replace('\\', '\\\\')|autoindent}}
    }
    """
    void _le_loops(void** arrays)

def main(_namespace):
    cdef void* _le_arrays[{{arrays|length + 1}}]
    cdef _numpy.ndarray _le_array
    {% for pointer, c_type, name in arrays %}
    _le_array = _namespace["{{name}}"]
    _le_arrays[{{loop.index0}}] = _le_array.data
    {% endfor %}
    _le_loops(_le_arrays)
{% endmacro %}

{% macro before_run() %}
{% endmacro %}

{% macro run() %}
{{_module(_le_run(_le_nest, scalar_code, vector_code, get_array_name))}}
{% endmacro %}

{% macro after_run() %}
{% set code = _le_after_run(_le_nest, scalar_code, vector_code, get_array_name) %}
{% if code %}
{{_module(code)}}
{% endif %}
{% endmacro %}

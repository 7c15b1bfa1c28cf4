{# USES_VARIABLES { N } #}
{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}

{% block extra_headers %}
{{super()}}
{{_le_vector_math}}
{% endblock %}

{% block maincode %}
    // scalar code
    const size_t _vectorisation_idx = -1;
    (void) _vectorisation_idx;  // only random numbers read it
    {{scalar_code|autoindent}}

    const int _N = {{constant_or_scalar('N', variables['N'])}};
    {# Neurons that read others through an index have to be computed one after the other. #}
    {% set others = [] %}
    {% for name in variables if variable_indices[name] not in ('_idx', '0') and others.append(name) %}
    {% endfor %}
    {{openmp_pragma('parallel-static')}}
    {% if not others and not openmp_pragma('with_openmp') %}
    // every element by itself: as many at once as fit into a vector register
    #ifdef __GNUC__
    #pragma GCC ivdep
    #endif
    {% endif %}
    for (int _idx = 0; _idx < _N; _idx++)
    {
        const size_t _vectorisation_idx = _idx;
        (void) _vectorisation_idx;
        {{vector_code|autoindent}}
    }
{% endblock %}

{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}

{% block maincode %}
    {{cpp_run(nest, scalar_code, vector_code, get_array_name)|autoindent}}
{% endblock %}

{% block after_code %}
    {% set code = cpp_after_run(nest, scalar_code, vector_code, get_array_name) %}
    {% if code %}
    {{code|autoindent}}
    {% else %}
    // EMPTY_CODE_BLOCK
    {% endif %}
{% endblock %}

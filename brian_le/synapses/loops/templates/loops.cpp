{# ALLOWS_SCALAR_WRITE #}
{% extends 'common_group.cpp' %}

{% block maincode %}
    {{_le_run(_le_nest, scalar_code, vector_code, get_array_name)|autoindent}}
{% endblock %}

{% block after_code %}
    {% set code = _le_after_run(_le_nest, scalar_code, vector_code, get_array_name) %}
    {% if code %}
    {{code|autoindent}}
    {% else %}
    // EMPTY_CODE_BLOCK
    {% endif %}
{% endblock %}

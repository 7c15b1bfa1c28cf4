{% extends 'common_group.cpp' %}

{% block maincode %}
    %INDICES%
{% endblock %}

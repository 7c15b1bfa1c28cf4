"""What ``brian-le show`` prints of models, protocols, studies and activations."""

import inspect

from brian_le.activations import ACTIVATIONS
from brian_le.checks import choose
from brian_le.protocols.catalogue import MODELS, PROTOCOLS, get_model
from brian_le.protocols.finding import get_protocol
from brian_le.protocols.sweeps.study_files import named_studies

__all__ = ['explain']


def explain(name):
    """Print what there is to know about a model, a protocol, a study or an activation."""
    studies = named_studies()
    if '.py:' not in name:
        choose('name', name, [*MODELS, *PROTOCOLS, *studies, *ACTIVATIONS])
    if name in ACTIVATIONS:
        activation = ACTIVATIONS[name]
        print(f'{name}: {activation.summary}\n')
        print(f"  phi(x)  = {activation.phi('x')}\n  phi'(x) = {activation.derivative('x')}")
    elif name in PROTOCOLS or '.py:' in name:
        protocol = get_protocol(name)
        print(inspect.getdoc(protocol) or protocol.summary)
        print('\nParameters (--set NAME=VALUE)')
        for parameter in protocol.parameters:
            choices = f" ({', '.join(parameter.choices)})" if parameter.choices else ''
            print(f'  {parameter.name:<12} {parameter.show(parameter.default):<10} '
                  f'{parameter.summary}{choices}')
    elif name not in studies:
        _show_model(name)
    if name in studies:
        if name in PROTOCOLS:
            print('\nThe study of the same name')
        print(studies[name].read_text(encoding='utf-8').strip())
        print(f"\n'brian-le sweep {name}' runs it; --grid, --set and --seeds replace entries.")


def _show_model(name):
    model = get_model(name)
    print(inspect.getdoc(model).split('\n\nRaises\n')[0].split('\n\nAttributes\n')[0])
    if inspect.isclass(model):
        text, example = _example(name, model)
        print(f'\nAn example, {text}\n')
        print(example)
        return
    from brian_le.parameters import as_text
    print('\nDefaults')
    for argument in inspect.signature(model).parameters.values():
        default = argument.default
        if hasattr(default, 'dim'):
            default = as_text(default)
        if default is not argument.empty:
            print(f'  {argument.name} = {default}')
    if name == 'dendritic_tree':
        from brian2 import ms

        from brian_le import Compartment
        tree = "[Compartment('soma'), Compartment('slow', 'soma', tau_m=50*ms, tau_r=1*ms)]"
        print(f'\nEquations of {tree}')
        equations = model(eval(tree, {'Compartment': Compartment, 'ms': ms}))
    else:
        print('\nEquations')
        equations = model()
    for equation in equations.ordered:
        print(f'  {equation}')
    print('\nVariables')
    for equation in equations.ordered:
        unit = 'no unit' if equation.dim.is_dimensionless else f'in {equation.unit}'
        print(f'  {equation.varname:<12} {unit:<8} {equation.type}')


def _example(name, model):
    """A small circuit, as a text and as an object."""
    from brian2 import ms

    if name == 'microcircuit':
        return 'Microcircuit((9, 30, 3))', model((9, 30, 3), eta_up=1/ms, eta_ip=1/ms, eta_pi=1/ms)
    from brian_le.models import Conv, Dense, Flatten, Identity, MaxPool, Node

    if name in ('graph', 'gle_graph'):
        return (f"{model.__name__}({{'x': 4}}, {{'h': 30, 'k': 30, 'y': Node(2, target='rate')}},\n"
                "    [('x', 'h'), ('h', 'k'), Identity('h', 'k'), ('k', 'k'), "
                "('k', 'y'), ('x', 'y')])",
                model({'x': 4}, {'h': 30, 'k': 30, 'y': Node(2, target='rate')},
                      [('x', 'h'), ('h', 'k'), Identity('h', 'k'), ('k', 'k'), ('k', 'y'),
                       ('x', 'y')],
                      eta=1/ms))
    pools = [] if name == 'cortical_chain' else [MaxPool(2)]
    layers = [Conv(4, kernel=3), *pools, Flatten(), Dense(10)]
    return (f"{model.__name__}((8, 8, 1), [{', '.join(map(str, layers))}])",
            model((8, 8, 1), layers, eta=1/ms))

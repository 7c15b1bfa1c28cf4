"""(Generalized) Latent Equilibrium for Brian2: neurons, dendrites, plasticity as equations.

``brian_le`` has the equations and the state updater ``'prospective_euler'``,
``brian_le.models`` the circuits made of them, ``brian_le.protocols`` the studies, which the
command ``brian-le`` runs.
"""

from brian_le import _lazy, neurons, plasticity, synapses

__version__ = '0.1.0'

__getattr__, __dir__, __all__ = _lazy.exports(__name__, {
    'activations': ['ACTIVATIONS', 'Activation', 'get_activation'],
    'integration': ['ProspectiveEuler', 'prospective_euler'],
    'neurons': neurons.__all__, 'plasticity': plasticity.__all__, 'synapses': synapses.__all__,
    'programs': ['fast_cpp'],
})
_lazy.when_imported('brian2', 'brian_le.method_choice')

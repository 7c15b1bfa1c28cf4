"""Studies of Latent Equilibrium: tasks, runs, results and figures.

`run` and `plot` are imported by their names, ``from brian_le.protocols import run``: Brian2 has
others, which ``from brian_le.protocols import *`` leaves as they are.
"""

from brian_le import _lazy

__getattr__, __dir__, __all__ = _lazy.exports(__name__, {
    'catalogue': ['MODELS', 'PROTOCOLS'],
    'checking': ['check_protocol'],
    'parameters': ['Folder', 'Parameter'],
    'protocol': ['Protocol'],
    'plotting': ['plot'],
    'runs': ['Result', 'export', 'load_export', 'load_result', 'run'],
    'sweeps': ['Study', 'StudyResult', 'get_study', 'load_study', 'study_status', 'sweep'],
    'brian_le.programs': ['build_program'],
}, by_name_only={'plot', 'run'})

"""Studies of Latent Equilibrium: tasks, runs, results and figures.

`run` and `plot` are imported by their names, ``from brian_le.protocols import run``: Brian2 has
others, which ``from brian_le.protocols import *`` leaves as they are.
"""

from brian_le import _lazy

__getattr__, __dir__, __all__ = _lazy.exports(__name__, {
    'catalogue': ['MODELS', 'PROTOCOLS'],
    'exports': ['export', 'load_export'],
    'figures': ['plot'],
    'program': ['build_program'],
    'results': ['Result', 'load_result'],
    'runner': ['run'],
    'study_files': ['Study', 'get_study'],
    'study_folders': ['StudyResult', 'load_study', 'study_status'],
    'sweeping': ['sweep'],
}, by_name_only={'plot', 'run'})

"""Studies of Latent Equilibrium: tasks, runs, results and figures."""

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
})

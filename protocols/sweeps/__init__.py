"""Sweeps: many runs, the studies that they make up, and figures of them."""

from brian_le import _lazy

__getattr__, __dir__, __all__ = _lazy.exports(__name__, {
    'study_files': ['Study', 'get_study'],
    'study_folders': ['load_study', 'study_status'],
    'study_results': ['StudyResult'],
    'sweeping': ['sweep'],
})

"""The recorded run of the chain that learns weights and time constants."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from tests.models.golden import files as golden

LEARNED = ('w_0', 'w_1', 'tau_m_0', 'tau_m_1')
STEPS = 55500  # as many as are repeated, and some


def recordings():
    """The files of the folder, or the one that comes with the tests."""
    names = golden.files('lagline') or ['lagline_full.npz']
    own = Path(__file__).parents[2]/'data'
    return [path if path.exists() else own/name
            for name in names for path in [golden.FOLDER/name]]


def recording(path):
    """Wave, shifts, start and recorded values of a file, whole or cut down to what is compared."""
    with np.load(path) as file:
        data = dict(file)
    if 'base' in data:
        wave = data['base'][:STEPS].astype(float)
        times = np.array([100, 200, 300, 400, 500])
        rows = np.searchsorted(data['time'], times - 1e-6)
        values = {key: data[key][rows] for key in LEARNED}
    else:
        changes = np.searchsorted(data['jumps'], np.arange(STEPS), side='right')
        wave, times = np.where(changes % 2, -1.0, 1.0), data['times']
        values = {key: data[key] for key in LEARNED}
    return SimpleNamespace(wave=wave, shift=data['shifts'], w=data['init_w'],
                           tau_m=data['init_tau_m'], times=times, values=values)

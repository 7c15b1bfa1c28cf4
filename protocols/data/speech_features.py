"""What a network hears: log-mel features of a recording, in the time of a simulation.

Everything here is a pure function of arrays.
"""

from functools import lru_cache

import numpy as np

from brian_le.protocols.data.speech_files import RATE

__all__ = ['FRAMES', 'MELS', 'in_steps', 'log_mel', 'mel_filters', 'standardised']

WINDOW, HOP = 1024, 400  #: samples in a window, and between the centres of two
MELS = 32  #: features of a frame
FRAMES = 1 + RATE//HOP  #: of one second
_FLOOR = 1e-9  # of powers and of standard deviations


@lru_cache
def mel_filters():
    """Triangles with equal distances on the mel scale, from 0 Hz to 8 kHz, of shape (513, 32).

    Each rises from 0 to 1 between the centre of the one before and its own, and falls to 0 at the
    centre of the next, linearly in Hz. The mel scale is 2595 log10(1 + f/700 Hz).
    """
    frequencies = np.linspace(0, RATE/2, WINDOW//2 + 1)
    mels = np.linspace(0, 2595*np.log10(1 + RATE/2/700), MELS + 2)
    corners = 700*(10**(mels/2595) - 1)
    return np.stack([np.interp(frequencies, corners[k:k + 3], [0, 1, 0]) for k in range(MELS)],
                    axis=1)


def log_mel(sound):
    """Logarithms (to the base 2) of the powers in the mel filters, of shape (frames, 32).

    The windows (Hann, 1024 samples) are centred at every 400th sample of a sound at 16 kHz, from
    the first on, and both ends of the sound are continued by reflection; one second has 41 frames.
    Powers are at least 1e-9.
    """
    padded = np.pad(np.asarray(sound, dtype=float), WINDOW//2, mode='reflect')
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    hann = np.sin(np.pi*np.arange(WINDOW)/WINDOW)**2
    power = np.abs(np.fft.rfft(frames*hann, axis=1))**2
    # einsum, because the rounding of BLAS depends on its number of threads
    return np.log2(np.einsum('tf,fm->tm', power, mel_filters()) + _FLOOR)


def standardised(features):
    """Features of one recording with mean 0 and standard deviation 1 (of a sample, n - 1)."""
    features = np.asarray(features)
    return (features - features.mean())/max(features.std(ddof=1), _FLOOR)


def in_steps(features, steps):
    """Features (frames, features) for every time step, linear between the frames.

    Frames are in the middle of their `steps`; the first and the last are held.
    """
    features = np.asarray(features)
    last = len(features) - 1
    at = np.clip((np.arange(len(features)*steps) + 0.5)/steps - 0.5, 0, last)
    before = np.minimum(at.astype(int), max(last - 1, 0))
    part = (at - before)[:, np.newaxis]
    return (1 - part)*features[before] + part*features[np.minimum(before + 1, last)]

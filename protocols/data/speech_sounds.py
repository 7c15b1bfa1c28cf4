"""Recordings as a network hears them: as they are, or varied while it learns."""

import numpy as np

from brian_le.protocols.data.speech_features import FRAMES, MELS, in_steps, log_mel, standardised

__all__ = ['Sounds', 'shifted', 'with_noise']

RATIOS = 20.0, 10.0, 3.0  #: of signal and noise, in dB
_NOISY = 0.8  # probability of noise
_SHIFT = 1600  # samples; a tenth of a second


def with_noise(sound, noise, ratio):
    """A sound with noise, of which the powers have a `ratio` in dB; the sound keeps its own."""
    sound, noise = np.asarray(sound, dtype=float), np.asarray(noise, dtype=float)
    size = np.mean(noise**2)
    if not size:
        return sound
    return sound + noise*np.sqrt(np.mean(sound**2)/size*10**(-ratio/10))


def shifted(sound, n):
    """A sound `n` samples later, or earlier if negative, with zeros in the gap."""
    moved = np.roll(sound, n)
    moved[slice(0, n) if n >= 0 else slice(n, None)] = 0
    return moved


class Sounds:
    """Recordings as rates of the inputs of a network, read when they are asked for.

    `noise` are arrays of background noise, int16, of at least a second each; `steps` are the time
    steps per frame of the features.
    """

    def __init__(self, recordings, noise, steps):
        self.classes = recordings.classes
        self._excerpts = recordings.excerpts
        self._noise = noise
        self._steps = steps

    def __len__(self):
        return len(self._excerpts)

    def rates(self, indices):
        """Rates of some recordings as they are, of shape (recordings, 41*steps, 32).

        Log-mel features, standardised for each recording by itself and linear in between. A
        recording of less than a second is followed by zeros.
        """
        return self._shown(self._sound(k) for k in indices)

    def varied(self, indices, rng):
        """As `rates`, each with noise (mostly) and shifted in time, at random.

        Drawn are, for every recording, whether there is noise (probability 0.8), which piece of
        which noise, its ratio (20, 10 or 3 dB) and a shift of up to 0.1 s.
        """
        return self._shown(self._vary(self._sound(k), rng) for k in indices)

    def balanced(self, rng):
        """As many recordings as there are, drawn with replacement, all classes equally likely."""
        counts = np.bincount(self.classes)
        share = 1/(counts[self.classes]*np.count_nonzero(counts))
        return rng.choice(len(self), size=len(self), p=share)

    def _sound(self, k):
        return self._excerpts[k].read()/2**15

    def _vary(self, sound, rng):
        if rng.random() < _NOISY:
            noise = self._noise[rng.integers(len(self._noise))]
            begin = rng.integers(len(noise) - len(sound) + 1)
            sound = with_noise(sound, noise[begin:begin + len(sound)]/2**15, rng.choice(RATIOS))
        return shifted(sound, int(rng.integers(-_SHIFT, _SHIFT + 1)))

    def _shown(self, sounds):
        heard = [in_steps(standardised(log_mel(sound)), self._steps) for sound in sounds]
        rates = np.zeros((len(heard), FRAMES*self._steps, MELS))
        for row, values in zip(rates, heard):
            row[:len(values)] = values
        return rates

"""Log-mel features and variations of sounds, against formulas written out and scipy."""

import numpy as np
import pytest
from scipy.signal import ShortTimeFFT, get_window

from brian_le.protocols.data.speech_features import in_steps, log_mel, mel_filters, standardised
from brian_le.protocols.data.speech_files import Excerpt, Recordings
from brian_le.protocols.data.speech_sounds import Sounds, shifted, with_noise
from tests.protocols.data.speech_folder import write_wav


def sound(n=16_000, seed=0):
    return np.random.default_rng(seed).normal(size=n)*0.1


# ------------------------------------------------------------------------------------- features
def test_filters_are_the_triangles_of_the_formula():
    def hertz(k):  # of corner k; 2840.02 is the mel of 8 kHz
        return 700*(10**(k*2840.0230467083/33/2595) - 1)

    filters = mel_filters()
    for k in range(32):
        low, centre, high = (hertz(k + j) for j in range(3))
        for j in range(513):
            f = j*15.625
            expected = max(0, min((f - low)/(centre - low), (high - f)/(high - centre)))
            assert filters[j, k] == pytest.approx(expected, abs=1e-9)
    assert (filters.max(axis=0) > 0.7).all()  # none falls between two frequencies


@pytest.mark.parametrize('n', [16_000, 1024, 1199, 9999])
def test_powers_are_those_of_scipy(n):
    x = sound(n)
    padded = np.concatenate([x[512:0:-1], x, x[-2:-514:-1]])
    transform = ShortTimeFFT(get_window('hann', 1024), hop=400, fs=16_000, fft_mode='onesided',
                             phase_shift=None)
    n_frames = 1 + n//400
    # slices of scipy are centred at whole multiples of the hop: shift them to begin with 0
    moved = np.concatenate([np.zeros(88), padded])  # 88 + 512 = 600 is not a multiple of 400
    moved = np.concatenate([np.zeros(200), moved])  # 288 + 512 = 800 is
    spectrum = transform.stft(moved, p0=2, p1=2 + n_frames)
    expected = np.log2(np.abs(spectrum.T)**2 @ mel_filters() + 1e-9)
    assert log_mel(x).shape == expected.shape
    np.testing.assert_allclose(log_mel(x), expected, rtol=0, atol=1e-11)


def test_powers_are_those_of_the_fourier_sum():
    x = sound()
    k = np.arange(1024)
    window = 0.5 - 0.5*np.cos(2*np.pi*k/1024)
    for frame in (2, 17, 38):  # windows that do not reach an end
        part = x[400*frame - 512:400*frame + 512]*window
        power = np.array([abs(np.sum(part*np.exp(-2j*np.pi*k*f/1024)))**2 for f in range(513)])
        expected = [np.log2(np.sum(power*mel_filters()[:, m]) + 1e-9) for m in range(32)]
        np.testing.assert_allclose(log_mel(x)[frame], expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize('pitch', [440, 1000, 3000])
def test_a_tone_is_in_its_filter(pitch):
    features = log_mel(np.sin(2*np.pi*pitch*np.arange(16_000)/16_000))
    mel = 2595*np.log10(1 + pitch/700)/(2840.0230467083/33) - 1  # 0 is the centre of the first
    assert (abs(features[2:-2].argmax(axis=1) - mel) <= 0.6).all()


def test_features_of_silence():
    np.testing.assert_array_equal(log_mel(np.zeros(16_000)), np.full((41, 32), np.log2(1e-9)))
    assert np.abs(standardised(log_mel(np.zeros(16_000)))).max() < 1e-4


def test_standardised():
    found = standardised(log_mel(sound()))
    assert found.mean() == pytest.approx(0, abs=1e-12)
    assert np.sum(found**2)/(41*32 - 1) == pytest.approx(1, rel=1e-12)
    louder = standardised(log_mel(sound()*3))
    np.testing.assert_allclose(louder, found, atol=1e-5)  # but for the floor of 1e-9


@pytest.mark.parametrize('frames, steps', [(41, 20), (41, 1), (3, 7), (1, 5)])
def test_steps_are_those_of_interp(frames, steps):
    features = np.random.default_rng(1).normal(size=(frames, 4))
    found = in_steps(features, steps)
    assert found.shape == (frames*steps, 4)
    centres = np.arange(frames)*steps + (steps - 1)/2  # in steps
    for k in range(4):
        expected = np.interp(np.arange(frames*steps), centres, features[:, k])
        np.testing.assert_allclose(found[:, k], expected, atol=1e-13)
    if steps == 20 and frames == 41:
        assert len(found) == 820


# ----------------------------------------------------------------------------------- variations
@pytest.mark.parametrize('ratio', [20, 10, 3])
def test_ratio_of_signal_and_noise(ratio):
    x, noise = sound(), sound(seed=1)*7
    added = with_noise(x, noise, ratio) - x
    assert 10*np.log10(np.sum(x**2)/np.sum(added**2)) == pytest.approx(ratio, abs=1e-9)
    assert np.corrcoef(added, noise)[0, 1] == pytest.approx(1)


def test_silent_sounds_and_silent_noise():
    x = sound(100)
    np.testing.assert_array_equal(with_noise(x, np.zeros(100), 3), x)
    np.testing.assert_array_equal(with_noise(np.zeros(100), x, 3), np.zeros(100))


@pytest.mark.parametrize('n, expected', [(0, [1, 2, 3]), (1, [0, 1, 2]), (-1, [2, 3, 0]),
                                         (3, [0, 0, 0]), (5, [0, 0, 0]), (-4, [0, 0, 0])])
def test_shifts(n, expected):
    x = np.array([1, 2, 3])
    assert shifted(x, n).tolist() == expected and x.tolist() == [1, 2, 3]


@pytest.fixture
def sounds(tmp_path):
    lengths = 16_000, 16_000, 4000, 16_000, 16_000
    excerpts = []
    for k, n in enumerate(lengths):
        write_wav(tmp_path/f'{k}.wav', np.clip(sound(n, k), -1, 1))
        excerpts.append(Excerpt(tmp_path/f'{k}.wav', 44, n))
    noise = (np.random.default_rng(9).normal(size=20_000)*300).astype('int16')
    return Sounds(Recordings(tuple(excerpts), np.array([0, 0, 3, 0, 1])), [noise], steps=20)


def test_rates_are_the_features_of_the_files(sounds):
    rates = sounds.rates([3, 2])
    assert rates.shape == (2, 820, 32) and len(sounds) == 5
    for found, k, n in ((rates[0], 3, 16_000), (rates[1], 2, 4000)):
        x = np.round(np.clip(sound(n, k), -1, 1)*32_767)/32_768
        features = standardised(log_mel(x))
        assert len(features) == 1 + n//400
        np.testing.assert_allclose(found[:20*len(features)], in_steps(features, 20), atol=1e-12)
        np.testing.assert_array_equal(found[20*len(features):], 0)


def test_variations_are_as_often_as_they_should_be(sounds, monkeypatch):
    """Noise, ratios and shifts, as they are drawn for many recordings."""
    from brian_le.protocols.data import speech_sounds

    ratios, shifts = [], []
    monkeypatch.setattr(speech_sounds, 'with_noise', lambda x, noise, ratio: (
        ratios.append((len(noise), ratio)), x)[1])
    monkeypatch.setattr(speech_sounds, 'shifted', lambda x, n: (shifts.append(n), x)[1])
    monkeypatch.setattr(Sounds, '_shown', lambda self, found: sum(1 for _ in found))
    assert sounds.varied([0, 2]*2000, np.random.default_rng(4)) == 4000
    assert len(ratios)/4000 == pytest.approx(0.8, abs=0.02)
    for ratio in (20, 10, 3):
        assert np.mean([r == ratio for _, r in ratios]) == pytest.approx(1/3, abs=0.03)
    assert {n for n, _ in ratios} == {16_000, 4000}
    assert len(shifts) == 4000 and min(shifts) >= -1600 and max(shifts) <= 1600
    assert np.mean(shifts) == pytest.approx(0, abs=60)
    assert np.std(shifts) == pytest.approx(3200/np.sqrt(12), rel=0.03)


def test_variations_follow_the_generator(sounds):
    first, again, other = (sounds.varied([0, 1, 2], np.random.default_rng(seed))
                           for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1
    assert np.abs(first - sounds.rates([0, 1, 2])).max() > 0.1


def test_classes_are_equally_likely(sounds):
    drawn = np.concatenate([sounds.balanced(np.random.default_rng(seed)) for seed in range(2000)])
    assert len(drawn) == 10_000
    found = np.bincount(drawn, minlength=5)/10_000
    np.testing.assert_allclose(found, [1/9, 1/9, 1/3, 1/9, 1/3], atol=0.02)

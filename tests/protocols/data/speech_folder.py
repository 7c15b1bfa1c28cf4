"""A small folder in the format of Google Speech Commands, with words that can be learned.

Every word is a chirp, a tone that moves between two frequencies of its own, spoken by different
speakers: each a little higher or lower, louder or softer, earlier or later, with some noise.
"""

import wave
from pathlib import Path

import numpy as np

RATE = 16_000
WORDS = ('yes', 'no', 'up', 'down', 'left', 'right', 'on', 'off', 'stop', 'go')
OTHERS = ('bed', 'cat', 'zero')
LISTS = {'validation': 'validation_list.txt', 'test': 'testing_list.txt'}


def write_wav(path, samples, channels=1, width=2, rate=RATE):
    """Write samples between -1 and 1 as a WAV file of integers."""
    whole = np.round(np.asarray(samples)*(2**(8*width - 1) - 1)).astype(int)
    with wave.open(str(path), 'wb') as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes((whole + 128).astype('u1').tobytes() if width == 1
                         else whole.astype(f'<i{width}').tobytes())


def chirp(word, rng, length=RATE):
    """A word as it is spoken once."""
    number = (*WORDS, *OTHERS).index(word)
    begin, end = 300*1.28**number, 300*1.28**((5*number + 3) % 13)  # Hz
    time = np.arange(length)/RATE
    place = np.clip((time - rng.uniform(0.1, 0.2))/0.6, 0, 1)
    pitch = (begin + (end - begin)*place)*rng.uniform(0.97, 1.03)
    loud = np.sin(np.pi*place)*rng.uniform(0.2, 0.6)
    return loud*np.sin(2*np.pi*np.cumsum(pitch)/RATE) + rng.normal(size=length)*0.02


def write_speech(folder, train=12, validation=4, test=4, seed=0, length=RATE):
    """Write the folder, with so many recordings of each word in each part.

    Returns the paths of the words in each part, relative to the folder, as ``'word/file.wav'``.
    """
    rng, folder = np.random.default_rng(seed), Path(folder)
    parts = {'train': [], 'validation': [], 'test': []}
    for word in (*WORDS, *OTHERS):
        (folder/word).mkdir(parents=True)
        speaker = 0
        for part, n in (('train', train), ('validation', validation), ('test', test)):
            for _ in range(n):
                name = f'{word}/{speaker:08x}_nohash_0.wav'
                write_wav(folder/name, chirp(word, rng, length))
                parts[part].append(name)
                speaker += 1
    for part, name in LISTS.items():
        (folder/name).write_text(''.join(f'{path}\n' for path in parts[part]))
    (folder/'_background_noise_').mkdir()
    (folder/'_background_noise_'/'README.md').write_text('what it is\n')
    for k, color in enumerate(('white_noise', 'pink_noise')):
        noise = rng.normal(size=3*RATE)
        if k:  # softer high frequencies
            noise = np.convolve(noise, 0.8**np.arange(30), mode='same')
        write_wav(folder/'_background_noise_'/f'{color}.wav', 0.02*noise)
    return parts

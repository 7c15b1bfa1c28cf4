"""The 12 classes of Google Speech Commands, from a folder that users have downloaded.

This module does not import Brian2. Headers of all files that are used are checked at once, what
they hold is read when it is needed. Whatever is missing, cut off or damaged is a ValueError that
names it.
"""

import math
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

__all__ = ['CLASSES', 'NOISE', 'PUBLISHED', 'RATE', 'WORDS', 'Excerpt', 'Recordings',
           'find_speech_commands', 'read_speech_commands']

#: Where the data set can be had.
PUBLISHED = 'https://download.tensorflow.org/data/speech_commands_v0.02.tar.gz'
#: The words of the first ten classes.
WORDS = ('yes', 'no', 'up', 'down', 'left', 'right', 'on', 'off', 'stop', 'go')
#: All classes: these words, any other word, and background noise alone.
CLASSES = (*WORDS, 'unknown', 'silence')
#: The folder of the background noise.
NOISE = '_background_noise_'
RATE = 16_000  #: samples per second; the length of the longest word
_SHORTEST = 1024  # samples; what one window of the features needs
_SHARE = 0.1  # of other words, and of silence, for every recording of a word
_LISTS = {'validation': 'validation_list.txt', 'test': 'testing_list.txt'}


@dataclass(frozen=True)
class Excerpt:
    """Samples of a WAV file that follow each other, `length` of them from the byte `offset` on."""

    path: Path
    offset: int  # in bytes
    length: int

    def read(self):
        """The samples, int16; a ValueError if the file has changed and lacks some of them."""
        try:
            samples = np.fromfile(self.path, '<i2', self.length, offset=self.offset)
        except OSError as error:
            raise ValueError(f"'{self.path}' cannot be read: {error}") from None
        if len(samples) < self.length:
            raise ValueError(f"'{self.path}' is cut off: it has become shorter than it was")
        return samples


@dataclass(frozen=True, eq=False)
class Recordings:
    """Recordings of up to a second each, and their classes, numbers in `CLASSES`."""

    excerpts: tuple
    classes: np.ndarray

    def __len__(self):
        return len(self.excerpts)


def find_speech_commands(directory):
    """The folder of Google Speech Commands; a ValueError unless it has the folders of all words."""
    folder = Path(directory)
    if not folder.is_dir():
        raise ValueError(f"'{folder}' cannot be read: there is no such folder; Google Speech "
                         f'Commands is published at {PUBLISHED}')
    missing = [word for word in (*WORDS, NOISE) if not (folder/word).is_dir()]
    if missing:
        raise ValueError(f"'{folder}' lacks the folders {', '.join(missing)}; give the folder of "
                         f'Google Speech Commands, published at {PUBLISHED}')
    return folder


def read_speech_commands(directory):
    """The recordings of the 12 classes, in the folder of Google Speech Commands (arXiv 1804.03209).

    There are a folder of WAV files (mono, 16 bit, 16 kHz, up to a second) for every word,
    ``_background_noise_`` with longer ones, and two lists. Recordings in ``validation_list.txt``
    and ``testing_list.txt`` are for validation and test, all others to learn from. For every ten
    recordings of the ten words there is one of another word and one second of background noise in
    each of these parts, rounded up. Which ones is the same in every call.

    A ValueError names what is missing, has no recordings, is damaged or has another format.

    Returns
    -------
    parts : dict of str to Recordings
        ``'train'``, ``'validation'`` and ``'test'``.
    noise : list of numpy.ndarray
        The samples of the background noise, int16, one array for each file.
    """
    folder = find_speech_commands(directory)
    noises = [_excerpt(path, RATE) for path in _wav_files(folder/NOISE)]
    if not noises:
        raise ValueError(f"'{folder/NOISE}' has no WAV files; get it again from {PUBLISHED}")
    words = {path.name: _wav_files(path) for path in sorted(folder.iterdir())
             if path.is_dir() and path.name[0] not in '._'}
    parts_of = _listed(folder)
    parts = {part: _part(folder, words, parts_of, part, noises, number)
             for number, part in enumerate(('train', 'validation', 'test'))}
    return parts, [noise.read() for noise in noises]


def _wav_files(folder):
    return sorted(path for path in folder.glob('*.wav') if path.name[0] != '.')


def _listed(folder):
    """The part of every file that is in a list."""
    parts_of = {}
    for part, name in _LISTS.items():
        try:
            lines = (folder/name).read_text(encoding='utf-8').splitlines()
        except FileNotFoundError:
            raise ValueError(f"'{folder}' lacks the file {name}; get it again from "
                             f'{PUBLISHED}') from None
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"'{folder/name}' cannot be read: {error}") from None
        if not any(line.strip() for line in lines):
            raise ValueError(f"'{folder/name}' is empty; it has to list files such as "
                             'yes/0a7c2a8d_nohash_0.wav')
        for number, line in enumerate(lines, 1):
            path = folder/line.strip()
            if not line.strip():
                continue
            if not path.is_file():
                raise ValueError(f"line {number} of '{folder/name}' names '{line.strip()}', which "
                                 f"is not in the folder '{folder}'")
            if parts_of.get(path, part) != part:
                raise ValueError(f"line {number} of '{folder/name}' names '{line.strip()}', which "
                                 f'{_LISTS["validation"]} has, too')
            parts_of[path] = part
    return parts_of


def _part(folder, words, parts_of, part, noises, number):
    """The recordings of one part."""
    rng = np.random.default_rng(number)
    known, others = [], []
    for word, paths in words.items():
        here = [path for path in paths if parts_of.get(path, 'train') == part]
        if word not in WORDS:
            others += here
        elif here:
            known += [(path, WORDS.index(word)) for path in here]
        else:
            raise ValueError(f"'{folder/word}' has no WAV files for the {part} part; get it again "
                             f'from {PUBLISHED}')
    if not others:
        raise ValueError(f"'{folder}' has no WAV files of other words than {', '.join(WORDS)} for "
                         f'the {part} part; get it again from {PUBLISHED}')
    n = math.ceil(len(known)*_SHARE)
    known += [(others[k], CLASSES.index('unknown')) for k in rng.permutation(len(others))[:n]]
    excerpts = [_excerpt(path, _SHORTEST, RATE) for path, _ in known]
    for noise in (noises[k] for k in rng.integers(len(noises), size=n)):
        begin = int(rng.integers(noise.length - RATE + 1))
        excerpts.append(Excerpt(noise.path, noise.offset + 2*begin, RATE))
    classes = [number for _, number in known] + [CLASSES.index('silence')]*n
    return Recordings(tuple(excerpts), np.array(classes))


def _excerpt(path, shortest, longest=math.inf):
    """All samples of a WAV file, after a look at its header."""
    try:
        with open(path, 'rb') as file, wave.open(file) as header:
            offset, size = file.tell(), path.stat().st_size
            format_ = header.getnchannels(), 8*header.getsampwidth(), header.getframerate()
            n = header.getnframes()
    except (wave.Error, EOFError, OSError) as error:
        raise ValueError(f"'{path}' is not a WAV file of integers, or is damaged "
                         f'({str(error) or "it ends in its header"}); get it again') from None
    if format_ != (1, 16, RATE):
        raise ValueError(f"'{path}' has {format_[0]} channels of {format_[1]} bits with "
                         f'{format_[2]} samples per second; give WAV files with one channel of 16 '
                         f'bits with {RATE}')
    if size - offset < 2*n:
        raise ValueError(f"'{path}' is cut off: {2*n} bytes have to follow the header, and "
                         f'{size - offset} do; get it again')
    if not shortest <= n <= longest:
        limit = f'at least {shortest}' if n < shortest else f'at most {longest}'
        raise ValueError(f"'{path}' has {n} samples; it has to have {limit}")
    return Excerpt(path, offset, n)

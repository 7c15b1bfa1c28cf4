"""Reading the folder of Google Speech Commands, against what a generator has written."""

import os
import re
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.io import wavfile

from brian_le.protocols.data.speech_files import (CLASSES, PUBLISHED, WORDS, Excerpt,
                                                  read_speech_commands)
from tests.protocols.data.speech_folder import OTHERS, write_speech, write_wav

LENGTH = 1500


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp('made')/'speech'
    return folder, write_speech(folder, train=7, validation=3, test=2, length=LENGTH)


@pytest.fixture
def folder(made, tmp_path):
    """A copy that may be damaged."""
    return Path(shutil.copytree(made[0], tmp_path/'speech'))


def relative(folder, excerpt):
    return excerpt.path.relative_to(folder).as_posix()


def test_parts_and_classes(made):
    folder, names = made
    parts, noise = read_speech_commands(folder)
    assert list(parts) == ['train', 'validation', 'test'] and len(CLASSES) == 12
    for part, per_word in (('train', 7), ('validation', 3), ('test', 2)):
        n = -(-10*per_word//10)  # a tenth of all recordings of the ten words, rounded up
        found = parts[part]
        assert np.bincount(found.classes).tolist() == [per_word]*10 + [n, n]
        for excerpt, number in zip(found.excerpts, found.classes):
            name, label = relative(folder, excerpt), CLASSES[number]
            if label == 'silence':
                assert name.startswith('_background_noise_') and excerpt.length == 16_000
            else:
                assert name in names[part] and excerpt.length == LENGTH
                assert name.split('/')[0] in (OTHERS if label == 'unknown' else (label,))
        assert len(set(found.excerpts)) == len(found)
    assert [len(samples) for samples in noise] == [48_000]*2


def test_shares_are_rounded_up(tmp_path):
    write_speech(tmp_path/'s', train=11, validation=1, test=1, length=LENGTH)
    for path in (tmp_path/'s'/'go').glob('*.wav'):
        if path.name == '00000000_nohash_0.wav':
            path.unlink()
    parts, _ = read_speech_commands(tmp_path/'s')
    assert np.bincount(parts['train'].classes).tolist() == [11]*9 + [10, 11, 11]
    # a folder with few other words has all of them
    for word in OTHERS[1:]:
        shutil.rmtree(tmp_path/'s'/word)
    for name in ('validation_list.txt', 'testing_list.txt'):
        lines = (tmp_path/'s'/name).read_text().splitlines()
        (tmp_path/'s'/name).write_text('\n'.join(
            line for line in lines if not line.startswith(OTHERS[1:])))
    (tmp_path/'s'/OTHERS[0]/'00000000_nohash_0.wav').unlink()
    parts, _ = read_speech_commands(tmp_path/'s')
    assert np.bincount(parts['train'].classes).tolist() == [11]*9 + [10, 10, 11]


def test_classic_counts():
    """The published counts of the 12-class task follow from those of the ten words."""
    for known, total in ((30_769, 36_923), (3703, 4445), (4074, 4890)):
        assert known + 2*-(-known//10) == total


def test_samples_are_those_of_scipy(made):
    parts, noise = read_speech_commands(made[0])
    for k in (0, 30, 70, -1):
        excerpt = parts['train'].excerpts[k]
        rate, samples = wavfile.read(excerpt.path)
        begin = (excerpt.offset - 44)//2
        assert rate == 16_000
        np.testing.assert_array_equal(excerpt.read(), samples[begin:begin + excerpt.length])
    np.testing.assert_array_equal(
        noise[0], wavfile.read(made[0]/'_background_noise_'/'pink_noise.wav')[1])


def test_every_call_gives_the_same(made):
    first, again = (read_speech_commands(directory)[0] for directory in (made[0], str(made[0])))
    for part in first:
        assert first[part].excerpts == again[part].excerpts


def test_headers_with_more_chunks(folder):
    """Chunks before and behind the samples."""
    path = folder/'yes'/'00000000_nohash_0.wav'
    content = path.read_bytes()
    samples = content[44:]
    chunk = b'LIST' + struct.pack('<I', 6) + b'notes '
    body = b'WAVE' + content[12:36] + chunk + b'data' + struct.pack('<I', len(samples)) \
        + samples + chunk
    path.write_bytes(b'RIFF' + struct.pack('<I', len(body)) + body)
    excerpt, = (e for e in read_speech_commands(folder)[0]['train'].excerpts if e.path == path)
    assert excerpt.read().tobytes() == samples


def test_other_files_are_ignored_and_lists_may_have_blank_lines(folder):
    (folder/'README.md').write_text('about')
    (folder/'.cache').mkdir()
    (folder/'yes'/'._00000000_nohash_0.wav').write_bytes(b'a shadow')
    path = folder/'testing_list.txt'
    path.write_bytes(path.read_bytes().replace(b'\n', b'\r\n') + b'\r\n')
    parts, _ = read_speech_commands(folder)
    assert np.bincount(parts['test'].classes).tolist() == [2]*12


# ---------------------------------------------------------------------------------- bad folders
def remove(*names):
    def change(folder):
        for name in names:
            (shutil.rmtree if (folder/name).is_dir() else os.remove)(folder/name)
    return change


def write(name, content):
    return lambda folder: (folder/name).write_bytes(content)


def wav(name, n=LENGTH, **kwargs):
    return lambda folder: write_wav(folder/name, np.zeros(n), **kwargs)


def edit(name, change):
    return lambda folder: (folder/name).write_bytes(change((folder/name).read_bytes()))


def without_noise(folder):
    for path in (folder/'_background_noise_').glob('*.wav'):
        path.unlink()


def without(folder, part, words):
    """No recordings of these words in a part, and none of them in a list."""
    for name in ('validation_list.txt', 'testing_list.txt'):
        lines = (folder/name).read_text().splitlines()
        keep = [line for line in lines if line.split('/')[0] not in words]
        for line in lines:
            if line not in keep and part == 'train':
                (folder/line).unlink()
        (folder/name).write_text('\n'.join(keep))


def no_training_go(folder):
    listed = {line for name in ('validation_list.txt', 'testing_list.txt')
              for line in (folder/name).read_text().splitlines()}
    for path in (folder/'go').glob('*.wav'):
        if f'go/{path.name}' not in listed:
            path.unlink()


YES, NOISE = 'yes/00000000_nohash_0.wav', '_background_noise_/white_noise.wav'
BAD = {
    'no word': (remove('go', 'yes'), r"speech' lacks the folders yes, go; give the folder of"),
    'no noise folder': (remove('_background_noise_'), 'lacks the folders _background_noise_'),
    'no noise': (without_noise, "_background_noise_' has no WAV files"),
    'no list': (remove('testing_list.txt'), "speech' lacks the file testing_list.txt"),
    'empty list': (write('validation_list.txt', b'\n \n'), "validation_list.txt' is empty; it has "
                   'to list files such as yes/'),
    'no text': (write('validation_list.txt', b'\xff\xfe\x00'), "validation_list.txt' cannot be "
                'read'),
    'listed file': (edit('testing_list.txt', lambda c: b'yes/a_nohash_0.wav\n' + c),
                    "line 1 of '.*testing_list.txt' names 'yes/a_nohash_0.wav', which is not in "
                    'the folder'),
    'listed twice': (edit('testing_list.txt', lambda c: c + b'yes/00000007_nohash_0.wav\n'),
                     "testing_list.txt' names 'yes/00000007_nohash_0.wav', which "
                     'validation_list.txt has, too'),
    'no training word': (no_training_go, "go' has no WAV files for the train part"),
    'no validation word': (lambda f: without(f, 'validation', ('up',)), "up' has no WAV files for "
                           'the validation part'),
    'no other word': (remove(*OTHERS[1:]), 'names .*, which is not in the folder'),
    'no other word to test': (lambda f: without(f, 'test', OTHERS), 'has no WAV files of other '
                              'words than yes, no, .* for the validation part'),
    'rate': (wav(YES, rate=8000), f"{YES}' has 1 channels of 16 bits with 8000 samples per "
             'second; give WAV files with one channel of 16 bits with 16000'),
    'stereo': (wav(YES, channels=2), f"{YES}' has 2 channels of 16 bits"),
    '8 bits': (wav(YES, width=1), f"{YES}' has 1 channels of 8 bits"),
    '32 bits': (wav(YES, width=4), f"{YES}' has 1 channels of 32 bits"),
    'floats': (edit(YES, lambda c: c[:20] + b'\x03' + c[21:]), f"{YES}' is not a WAV file of "
               r'integers, or is damaged \(unknown format: 3\)'),
    'too short': (wav(YES, n=1023), f"{YES}' has 1023 samples; it has to have at least 1024"),
    'too long': (wav(YES, n=16_001), f"{YES}' has 16001 samples; it has to have at most 16000"),
    'empty': (write(YES, b''), f"{YES}' is not a WAV file .*it ends in its header"),
    'text': (write(YES, b'these are some words'), f"{YES}' is not a WAV file"),
    'cut': (edit(YES, lambda c: c[:-1]), f"{YES}' is cut off: 3000 bytes have to follow the "
            'header, and 2999 do'),
    'cut header': (edit(YES, lambda c: c[:30]), f"{YES}' is not a WAV file"),
    'noise rate': (wav(NOISE, n=16_000, rate=44_100), f"{NOISE}' has 1 channels of 16 bits with "
                   '44100'),
    'short noise': (wav(NOISE, n=15_999), f"{NOISE}' has 15999 samples; it has to have at least "
                    '16000'),
    'cut noise': (edit(NOISE, lambda c: c[:-2000]), f"{NOISE}' is cut off"),
}


@pytest.mark.parametrize('case', BAD)
def test_bad_folders(folder, case):
    change, message = BAD[case]
    change(folder)
    with pytest.raises(ValueError, match=message):
        read_speech_commands(folder)


def test_missing_folder(tmp_path):
    with pytest.raises(ValueError, match=f"'{tmp_path/'none'}' cannot be read: there is no such "
                                         f'folder; .* {re.escape(PUBLISHED)}'):
        read_speech_commands(tmp_path/'none')


def test_files_that_change_later(tmp_path):
    write_wav(tmp_path/'a.wav', np.zeros(2000))
    with pytest.raises(ValueError, match="a.wav' is cut off: it has become shorter"):
        Excerpt(tmp_path/'a.wav', 44, 2001).read()
    with pytest.raises(ValueError, match="b.wav' cannot be read"):
        Excerpt(tmp_path/'b.wav', 44, 2000).read()


@settings(max_examples=40, deadline=None)
@given(end=st.integers(0, 44 + 2*LENGTH - 1), word=st.sampled_from(WORDS))
def test_a_word_cut_at_any_byte_is_an_error_that_names_it(made, end, word):
    path = made[0]/word/'00000000_nohash_0.wav'
    content = path.read_bytes()
    try:
        path.write_bytes(content[:end])
        with pytest.raises(ValueError, match=re.escape(f"'{path}'")):
            read_speech_commands(made[0])
    finally:
        path.write_bytes(content)

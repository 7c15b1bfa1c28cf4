import hashlib
import json
import os
import stat
import sys

import pytest

from brian_le.programs import builds, cache, temporary
from brian_le.programs.cache import Cache, cache_folder, read_size, show_size
from brian_le.programs.temporary import try_lock
from brian_le.protocols.cli import main
from tests.brian_le.programs.tiny_projects import printed, write_tiny

KEY = 'ab'*16


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.setenv('BRIAN_LE_CACHE', str(tmp_path/'cache'))
    monkeypatch.delenv('BRIAN_LE_CACHE_LIMIT', raising=False)
    cache._say_once.cache_clear()
    return Cache.of_user()


def add(kept, key=KEY, content=b'program', what='G', made_of=None):
    program = kept.folder.parent/'program'
    program.write_bytes(content)
    kept.add(key, program, {} if made_of is None else made_of, what)
    return next(iter(sorted(kept.folder.glob(f'{key}-*'), reverse=True)), None)


def test_a_program_is_found_by_key_and_what_it_was_made_of(kept):
    for n in 1, 2:
        add(kept, content=b'%d' % n, made_of={'n': n})
    assert len(kept.entries()) == 2
    assert kept.find(KEY, lambda made_of: made_of['n'] == 2) == b'2'
    assert kept.find(KEY, lambda made_of: made_of['n'] == 3) is None
    assert kept.find('cd'*16, lambda made_of: True) is None
    assert stat.S_IMODE(os.stat(kept.folder).st_mode) == 0o700


def empty(entry):
    (entry/'main').write_bytes(b'')


def cut_short(entry):
    os.truncate(entry/'main', os.stat(entry/'main').st_size//2)


def other_bytes(entry):
    content = bytearray((entry/'main').read_bytes())
    content[len(content)//2] ^= 1
    (entry/'main').write_bytes(content)


def not_executable(entry):
    (entry/'main').chmod(0o600)


def without_program(entry):
    (entry/'main').unlink()


def a_link(entry):
    (entry/'main').rename(entry.parent/'program elsewhere')
    (entry/'main').symlink_to(entry.parent/'program elsewhere')


def a_linked_folder(entry):
    entry.rename(entry.parent/'elsewhere')
    entry.symlink_to(entry.parent/'elsewhere')


def a_folder_in_its_place(entry):
    (entry/'main').unlink()
    (entry/'main').mkdir()


def a_pipe(entry):
    (entry/'main').unlink()
    os.mkfifo(entry/'main', 0o700)


def others_write_program(entry):
    (entry/'main').chmod(0o777)


def others_write_entry(entry):
    entry.chmod(0o770)


def others_write_description(entry):
    (entry/'made_of.json').chmod(0o666)


def no_description(entry):
    (entry/'made_of.json').unlink()


def half_a_description(entry):
    os.truncate(entry/'made_of.json', 40)


def a_list(entry):
    (entry/'made_of.json').write_text('[1, 2]')


def of_another_version(entry):
    about = json.loads((entry/'made_of.json').read_text())
    (entry/'made_of.json').write_text(json.dumps({**about, 'format': 99}))


def without_ingredients(entry):
    about = json.loads((entry/'made_of.json').read_text())
    (entry/'made_of.json').write_text(json.dumps({**about, 'made_of': [1]}))


@pytest.fixture(scope='module')
def compiled(tmp_path_factory):
    """A tiny project, compiled, and its cache."""
    folder = tmp_path_factory.mktemp('compiled')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('BRIAN_LE_CACHE', str(folder/'cache'))
        assert builds.build(write_tiny(folder/'p'))
        yield folder


@pytest.mark.parametrize('damage', [
    empty, cut_short, other_bytes, not_executable, without_program, a_link, a_linked_folder,
    a_folder_in_its_place, a_pipe, others_write_program, others_write_entry,
    others_write_description, no_description, half_a_description, a_list, of_another_version,
    without_ingredients], ids=lambda damage: damage.__name__)
def test_an_entry_with_anything_wrong_is_made_anew(compiled, damage, capsys):
    assert not builds.build(compiled/'p')
    (entry,) = (compiled/'cache').glob('*-*')
    damage(entry)
    assert builds.build(compiled/'p')
    assert printed(compiled/'p') == 1
    assert not builds.build(compiled/'p')  # it has taken the place of the other one
    assert not capsys.readouterr().err
    assert not (entry.is_symlink() or (entry/'main').is_symlink())


def test_an_entry_of_another_user(compiled, monkeypatch):
    assert not builds.build(compiled/'p')
    monkeypatch.setattr(cache, '_check', lambda status, path: None if path.name == 'cache' else
                        raise_not_trusted())
    assert builds.build(compiled/'p')
    assert printed(compiled/'p') == 1


def raise_not_trusted():
    raise cache._NotTrusted('of another user')


def test_owners(tmp_path, monkeypatch):
    cache._check(os.stat(tmp_path), tmp_path)
    monkeypatch.setattr(os, 'geteuid', lambda: 4321)
    with pytest.raises(cache._NotTrusted, match='another user'):
        cache._check(os.stat(tmp_path), tmp_path)


# --------------------------------------------------------------------- folders that cannot be used
def build_twice(project):
    """Nothing is kept, and it works all the same."""
    for _ in range(2):
        assert builds.build(project)
        assert printed(project) == 1


def test_a_folder_that_others_can_write_to(tmp_path, kept, capsys):
    add(kept)
    for mode in 0o770, 0o702, 0o777:
        cache._say_once.cache_clear()
        kept.folder.chmod(mode)
        assert Cache.of_user() is None
        said = capsys.readouterr().err
        assert said.count('\n') == 1 and 'chmod go-w' in said and 'BRIAN_LE_CACHE' in said
    build_twice(write_tiny(tmp_path/'p'))
    assert not capsys.readouterr().err  # once is enough
    assert len(list(kept.folder.iterdir())) == 1


@pytest.mark.parametrize('place', ['file', 'file/below', 'link'])
def test_a_folder_that_cannot_be_made(tmp_path, kept, monkeypatch, capsys, place):
    (tmp_path/'file').write_text('')
    (tmp_path/'link').symlink_to(tmp_path/'file')
    monkeypatch.setenv('BRIAN_LE_CACHE', str(tmp_path/place))
    build_twice(write_tiny(tmp_path/'p'))
    said = capsys.readouterr().err
    assert said.count('\n') == 1 and str(tmp_path/place) in said and 'set BRIAN_LE_CACHE' in said


def test_no_home(tmp_path, kept, monkeypatch, capsys):
    for name in 'HOME', 'XDG_CACHE_HOME', 'BRIAN_LE_CACHE':
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, 'pwd', None)  # nobody knows this user
    assert cache_folder() is None
    build_twice(write_tiny(tmp_path/'p'))
    said = capsys.readouterr().err
    assert said.count('\n') == 1 and 'no home' in said and 'set BRIAN_LE_CACHE' in said
    assert main(['cache']) == 2
    assert 'set BRIAN_LE_CACHE' in capsys.readouterr().err
    monkeypatch.setenv('BRIAN_LE_CACHE', str(tmp_path/'named'))
    assert builds.build(tmp_path/'p') and not builds.build(tmp_path/'p')


def test_a_full_cache(tmp_path, kept, monkeypatch, capsys):
    def full(*arguments):
        raise OSError(28, 'No space left on device', 'x')
    monkeypatch.setattr(cache, '_write', full)
    build_twice(write_tiny(tmp_path/'p'))
    said = capsys.readouterr().err
    assert said.count('\n') == 1 and 'No space left' in said and 'make room' in said
    assert not list(kept.folder.iterdir())


# ---------------------------------------------------------------------------------------- the limit
def use(entry, when):
    os.utime(entry/'made_of.json', (when, when))


def test_what_was_not_used_for_longest_goes(kept, monkeypatch):
    entries = [add(kept, key=f'{n:032x}', content=b'x'*10_000) for n in range(4)]
    for n, entry in enumerate(entries):
        use(entry, 1000*n)
    kept.find(f'{0:032x}', lambda made_of: True)  # is used
    monkeypatch.setenv('BRIAN_LE_CACHE_LIMIT', '32kB')
    add(kept, key=f'{9:032x}', content=b'x'*10_000)
    assert {entry.path.name[31] for entry in kept.entries()} == {'0', '3', '9'}
    monkeypatch.setenv('BRIAN_LE_CACHE_LIMIT', '0')  # keeps nothing more
    kept.add('f'*32, kept.folder.parent/'program', {}, 'G')
    assert not list(kept.folder.glob('f*'))


def test_a_limit_that_is_none(tmp_path, kept, monkeypatch):
    monkeypatch.setenv('BRIAN_LE_CACHE_LIMIT', 'much')
    with pytest.raises(ValueError, match="BRIAN_LE_CACHE_LIMIT is 'much'; give a size like"):
        builds.build(write_tiny(tmp_path/'p'))
    assert not (tmp_path/'p'/'main').exists()


def test_sizes():
    assert [read_size(text) for text in ('7', '2GiB', '500MB', '1.5 k', '1 TB')] == [
        7, 2**31, 500*10**6, 1536, 10**12]
    assert [show_size(size) for size in (7, 1536, 2**31, 2**41)] == [
        '7 B', '1.5 KiB', '2.0 GiB', '2048.0 GiB']
    for bad in '', '-1', 'GB', '1 parsec', '1e3':
        with pytest.raises(ValueError, match='give a size like 500MB'):
            read_size(bad)


# -------------------------------------------------------------------------------------- the command
def test_the_command(kept, capsys):
    assert main(['cache']) == 0
    assert capsys.readouterr().out == f"0 programs, 0 B of at most 2.0 GiB, in '{kept.folder}'\n"
    use(add(kept, content=b'x'*5000, what='cells, up'), 1e9)
    use(add(kept, key='cd'*16, content=b'x'*5000, what='later'), 1.1e9)
    old = kept.folder/('e'*32)  # as other versions have them
    old.mkdir()
    (old/'main').write_bytes(b'x'*100)
    assert main(['cache', 'list']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5 and 'never used' in lines[1]
    assert lines[2].endswith('later') and lines[3].endswith('cells, up')
    assert lines[2].split()[:3] == ['5.1', 'KiB', '2004-11-09'] and '2001-09-09' in lines[3]
    for size, left in ('7 kB', 1), ('1kB', 0):
        assert main(['cache', 'limit', size]) == 0
        assert f"in '{kept.folder}'" in capsys.readouterr().out
        assert len(kept.entries()) - old.exists() == left
    assert add(kept, content=b'x'*5000) is None
    assert main(['cache', '--limit', '1GiB']) == 0
    assert capsys.readouterr().out.endswith(f"of at most 1.0 GiB, in '{kept.folder}'\n")
    add(kept)
    (kept.folder/f'{KEY}.lock').touch()
    (kept.folder/'notes.txt').write_text("the user's")
    assert main(['cache', 'clear']) == 0
    assert 'removed' in capsys.readouterr().out
    assert {path.name for path in kept.folder.iterdir()} == {'limit', 'notes.txt'}


@pytest.mark.parametrize('arguments', [['empty'], ['limit', 'much'], ['clear', '1GB'],
                                       ['list', '1GB'], ['--limit', '-1']])
def test_commands_that_make_no_sense(kept, capsys, arguments):
    entry = add(kept)
    try:
        assert main(['cache', *arguments]) == 2
    except SystemExit as error:
        assert error.code == 2
    assert entry.exists() and 'Traceback' not in capsys.readouterr().err


@pytest.mark.parametrize('arguments', [[], ['clear'], ['limit', '1GB']])
def test_a_cache_that_is_a_file(tmp_path, monkeypatch, capsys, arguments):
    (tmp_path/'file').write_text('mine')
    monkeypatch.setenv('BRIAN_LE_CACHE', str(tmp_path/'file'))
    assert main(['cache', *arguments]) == 1
    out, said = capsys.readouterr()
    assert not out and said.count('\n') == 1
    assert str(tmp_path/'file') in said and 'set BRIAN_LE_CACHE to a folder' in said
    assert (tmp_path/'file').read_text() == 'mine'


def test_the_command_says_if_the_folder_is_not_used(kept, capsys):
    add(kept)
    for arguments in [], ['limit', '1GB'], ['clear']:
        kept.folder.chmod(0o777)
        assert main(['cache', *arguments]) == 0
        said = capsys.readouterr().err
        assert said.count('\n') == 1 and 'not used' in said and 'chmod go-w' in said
    kept.folder.chmod(0o700)
    assert main(['cache']) == 0 and not capsys.readouterr().err


def test_an_entry_says_what_it_holds(kept):
    entry = add(kept, content=b'abc', made_of={'n': 1})
    about = json.loads((entry/'made_of.json').read_text())
    assert about['sha256'] == hashlib.sha256(b'abc').hexdigest() and about['size'] == 3
    assert stat.S_IMODE(os.stat(entry/'main').st_mode) == 0o700


def test_what_killed_processes_leave_in_the_folder(kept):
    """The lock of one that was compiling, and what it was about to keep; not those of others."""
    held = try_lock(kept.folder/f'{KEY}.lock')
    (kept.folder/f'{"cd"*16}.lock').touch()
    (kept.folder/'mine.lock').touch()
    left = kept.folder/'draft_12345678'
    left.mkdir()
    (left/temporary._LOCK).touch()
    entry = add(kept)
    assert {path.name for path in kept.folder.iterdir()} == {
        entry.name, f'{KEY}.lock', 'mine.lock'}
    held.release()
    kept.clear()
    assert {path.name for path in kept.folder.iterdir()} == {'mine.lock'}

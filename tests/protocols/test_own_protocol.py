"""Protocols of users: the one of the documentation, by all commands, and ones that are wrong."""

import re
import subprocess
import textwrap
from pathlib import Path

import numpy as np
import pytest
from brian2 import Network, NeuronGroup, StateMonitor, defaultclock, ms, seed

from brian_le.protocols import (Parameter, Protocol, check_protocol, load_export, load_result,
                                load_study, plot, run)
from brian_le.protocols.cli import main

PAGE = Path(__file__).parents[2]/'docs'/'own_protocol.rst'


@pytest.fixture
def page(tmp_path, monkeypatch):
    """The text of the page, in a folder with the file that it shows."""
    text = PAGE.read_text(encoding='utf-8')
    (tmp_path/'my_study.py').write_text(textwrap.dedent(
        re.search(r'(    # my_study.py\n(?:    .*\n|\n)+)', text)[1]))
    monkeypatch.chdir(tmp_path)
    return text


def test_the_file_of_the_page_is_short(page):
    assert len(Path('my_study.py').read_text().splitlines()) < 60


def test_commands_of_the_page(page, capsys):
    commands = re.findall(r'^    brian-le (.*my_study.py.*)$', page, re.M)
    assert [command.split()[0] for command in commands] == ['show', 'run', 'plot', 'sweep',
                                                            'export']
    for command in commands[:-1]:
        words = command.split()
        if words[0] in ('run', 'sweep'):
            words += ['--set', 'duration=100', '--device', 'numpy', '--quiet']
        assert main(words + (['--jobs', '1'] if words[0] == 'sweep' else [])) == 0, command
    said = capsys.readouterr().out
    assert 'how fast do they fire' in said and 'membrane time constant' in said
    assert 'rate   ' in said and 'brian-le plot my_study.py:Firing firing' in said
    assert Path('firing/figures/curves.png').exists()
    rates = [row['rate'] for row in load_study('firing-sweep').rows]
    assert len(rates) == 9 and 0 < np.mean(rates[:3]) < np.mean(rates[3:6]) < np.mean(rates[6:])


def test_rates_are_those_of_stock_brian2(page, tmp_path):
    main(['run', 'my_study.py:Firing', '--set', 'duration=100', '--device', 'numpy', '--quiet',
          '--out', 'r', '--seed', '7'])
    from brian_le.protocols.finding import get_protocol
    found = get_protocol('my_study.py:Firing')
    seed(7)
    network = found(found.read({'duration': 100}), 7).compose()
    network.run(100*ms)
    (spikes,) = [obj for obj in network.objects if obj.name == 'spikes']
    np.testing.assert_array_equal(load_result('r').arrays['rates'], spikes.count[:]/0.1)


def test_exported(page):
    assert main(['export', 'my_study.py:Firing', '--out', 'p', '--set', 'duration=50',
                 '--quiet']) == 0
    subprocess.run(['make', '-j2'], cwd='p', check=True, capture_output=True)
    subprocess.run(['./main'], cwd='p', check=True)
    rates = load_export('p', 'my_study.py:Firing').arrays['rates']
    assert rates.shape == (50,) and rates.mean() > 10
    with pytest.raises(ValueError, match="code that is no part of this package.*protocol="):
        load_export('p')


def test_code_of_others_is_not_run_unasked(page):
    main(['run', 'my_study.py:Firing', '--set', 'duration=10', '--device', 'numpy', '--quiet',
          '--out', 'r'])
    with pytest.raises(ValueError, match="'brian-le plot my_study.py:Firing r'"):
        plot('r')
    with pytest.raises(ValueError, match="is a result of 'my_study.py:Firing', not of 'bars'"):
        plot('r', protocol='bars')
    assert plot('r', protocol='my_study.py:Firing')


@pytest.mark.parametrize('words, message', [
    (['my_study.py:Fring'], "unknown protocol of 'my_study.py': 'Fring'; did you mean 'Firing'"),
    (['my_studio.py:Firing'], "there is no file '.*my_studio.py'"),
    (['my_study.py:Firing', '--set', 'drve=1'], "'drve'; did you mean 'drive'"),
    (['my_study.py:ms'], "unknown protocol of 'my_study.py': 'ms'"),
])
def test_bad_input(page, words, message, capsys):
    assert main(['run', *words, '--device', 'numpy']) == 2
    assert re.search(message, capsys.readouterr().err)


class Decay(Protocol):
    """A potential that decays, recorded in every step."""

    summary = 'a potential decays'
    parameters = (Parameter('tau', 10.0, 'membrane time constant', 'ms', minimum=0.1),)
    total, room = 30, 10

    def compose(self):
        defaultclock.dt = 0.1*ms
        self.group = NeuronGroup(1, '''du/dt = -u/tau : 1
                                       tau : second (constant)''', method='exact', name='cells')
        self.group.u, self.group.tau = 1, self.p.tau*ms
        return Network(self.group, StateMonitor(self.group, 'u', record=0, name='trace'))

    def rows(self, end):
        return {'u': end['trace.u'][0]}


def test_a_protocol_in_closed_form(tmp_path):
    for tau in (5, 10):  # by one program
        found = run(Decay, tau=tau, device='numpy', quiet=True, out=tmp_path/f'{tau}')
        np.testing.assert_allclose(found.arrays['u'], np.exp(-0.1*np.arange(30)/tau), rtol=1e-12)
    check_protocol(Decay)


class Timed(Decay):
    def compose(self):
        network = super().compose()
        self.group.run_regularly('u = 0.5*int(t > 0.45*ms)', when='start')
        return network


class Forgetful(Decay):
    def chunk(self, program, state, first, n):
        end = program({}, n)
        return program.state(end), self.rows(end)


class Counting(Decay):
    calls = 0

    def result(self, state, rows):
        Counting.calls += 1
        return {'calls': np.array(self.calls)}


class Worded(Decay):
    @staticmethod
    def measures(result):
        return {'u': result.arrays['u']}


class Nameless(Decay):
    name = ''


class Short(Decay):
    def compose_whole(self):
        network = self.compose()
        self.group.u = 2
        return network


@pytest.mark.parametrize('wrong, message', [
    (Timed, 'one unit after the other'), (Forgetful, 'one unit after the other'),
    (Counting, 'when'), (Worded, "measure 'u' is"), (Nameless, 'has no name'),
    (Short, 'whole run is launched at once')])
def test_what_is_wrong_with_a_protocol_is_found(wrong, message):
    with pytest.raises(AssertionError, match=message):
        check_protocol(wrong)


def test_random_numbers_and_several_launches_are_refused(tmp_path):
    class Noisy(Decay):
        def compose(self):
            defaultclock.dt = 0.1*ms
            return Network(NeuronGroup(1, 'du/dt = -u/(10*ms) + xi*(10*ms)**-0.5 : 1',
                                       method='euler', name='cells'))
    with pytest.raises(ValueError, match="'Noisy' draws random numbers .*total = 1"):
        run(Noisy, device='numpy', quiet=True, out=tmp_path/'r')

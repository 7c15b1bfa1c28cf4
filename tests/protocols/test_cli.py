import inspect
import os
import subprocess
import sys

import pytest

from brian_le import ACTIVATIONS
from brian_le.protocols import load_result
from brian_le.protocols.catalogue import MODELS, PROTOCOLS, get_model
from brian_le.protocols.cli import main
from tests.protocols.data.data_folders import write_mnist


def test_list_names_everything(capsys):
    assert main(['list']) == 0
    text = capsys.readouterr().out
    for name in (*MODELS, *PROTOCOLS, *ACTIVATIONS):
        assert f'  {name} ' in text


@pytest.mark.parametrize('arguments', [
    ['list'], ['--help'], ['run', '--help'], ['export', '--help'], ['--version'],
    ['show', 'softplus'], ['run', 'bras']])
def test_these_do_not_import_brian2(arguments):
    script = ('import sys\nfrom brian_le.protocols.cli import main\n'
              f'try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n'
              'assert "brian2" not in sys.modules and "matplotlib" not in sys.modules')
    subprocess.run([sys.executable, '-c', script], check=True, capture_output=True)


def test_summaries_are_those_of_the_docstrings():
    for name, (_, summary) in MODELS.items():
        first = inspect.getdoc(get_model(name)).split('\n\n')[0]
        assert ' '.join(first.split()) == summary


@pytest.mark.parametrize('name, parts', [
    ('pyramidal', ['du/dt = (v_ss - u)/tau_m', 'g_l = 0.03/ms', 'tau_m        in s']),
    ('interneuron', ['v_den = v_ip', 'g_d = 0.1/ms']),
    ('point_neuron', ['tau_m = 10.0*ms', 'u_prosp']),
    ('microcircuit', ['9-30-3', 'dw/dt', 'g_som = 0.06/ms', 'One step']),
    ('bars', ['t_pattern', '10 ms', 'both, true, false']),
    ('softplus', ["phi'(x) = 0.5*(1 + tanh(0.5*x))"]),
    ('layered_network', ['8x8x1-6x6x4-3x3x4-36-10', 'One step', 'v_err_pre = w*err_post',
                         'MaxPool(2), Flatten(), Dense(10)']),
    ('graph', ['x 4, h 30, k 30, y 2; 6 edges', 'v_err = v_err_k + v_err_k_identity', 'One step']),
    ('digits', ['64-60-10', 'le, random, mirror, no_look_ahead', '  t_pattern    10 ms ',
                '  precision    single ', 'Needs scikit-learn']),
    ('mnist', ['784-300-100-10', '  data         none       the four files of MNIST, published at '
               'https://', '  samples      auto ', 'test errors of 1.98']),
    ('yin-yang', ['4-120-3', '  sigma        auto ', '  samples      5000 ']),
])
def test_show(capsys, name, parts):
    assert main(['show', name]) == 0
    text = capsys.readouterr().out
    for part in parts:
        assert part in text


def test_run_and_plot(tmp_path, capsys):
    out = str(tmp_path/'r')
    assert main(['run', 'bars', '--set', 't_pattern=0.5ms', '--set', 'epochs=2', '--seed', '9',
                 '--device', 'numpy', '--out', out]) == 0
    captured = capsys.readouterr()
    assert 'Latent Equilibrium' in captured.out and f"plot {out}" in captured.out
    assert '2/2' in captured.err  # progress
    assert load_result(out).description['seed'] == 9
    assert main(['plot', out]) == 0
    files = capsys.readouterr().out.split()
    assert len(files) == 8 and all(os.path.getsize(file) > 5000 for file in files)


def test_run_with_a_folder_of_data(tmp_path, capsys):
    write_mnist(tmp_path, 12, 5, size=4)
    out = str(tmp_path/'r')
    assert main(['run', 'mnist', '--data', str(tmp_path), '--set', 'batch=4', '--set', 'epochs=1',
                 '--set', 't_pattern=0.02ms', '--device', 'numpy', '--out', out]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith('Latent Equilibrium ') and 'after 1 epochs' in captured.out
    assert '\nbackpropagation ' in captured.out and 'epoch 1, loss 0.' in captured.err
    assert 'Warning' not in captured.err
    assert load_result(out).description['parameters']['data'] == str(tmp_path)


BAD = [
    (['run', 'bras'], 2, "unknown protocol: 'bras'; did you mean 'bars'"),
    (['run', 'bars', '--set', 't_patern=1ms'], 2, "did you mean 't_pattern'"),
    (['run', 'bars', '--set', 't_pattern'], 2, 'write --set NAME=VALUE'),
    (['run', 'bars', '--set', 'dt=1', '--set', 'dt=2'], 2, "'dt' is set twice"),
    (['run', 'bars', '--set', 't_pattern=1V'], 2, "give a value such as '10 ms'"),
    (['run', 'bars', '--set', 'g_l=-1'], 2, 'at least 0 1/ms'),
    (['run', 'bars', '--set', 'activation=sofplus'], 2, "did you mean 'softplus'"),
    (['run', 'bars', '--device', 'gpu'], 2, "unknown device: 'gpu'"),
    (['run', 'bars', '--seed', 'x'], 2, "the seed is 'x'"),
    (['run', 'bars', '--device', 'numpy', '--quiet', '--set', 'g_l=50'], 2,
     'membrane time constant'),
    (['run', 'bars', '--out', 'foreign'], 2, 'is not the folder of a result'),
    (['export', 'bars', '--out', 'foreign'], 2, 'exists'),
    (['plot', 'foreign'], 2, 'is not the folder of a result'),
    (['plot', 'nothing'], 2, 'is not the folder of a result'),
    (['show', 'pyramidl'], 2, "did you mean 'pyramidal'"),
    (['run', 'bars', '--set', 'epochs=1e400'], 2, "'epochs' is 1e400; give a finite number"),
    (['run', 'bars', '--set', 't_pattern=1e9ms'], 2, 'at most 100000 ms'),
    (['run', 'bars', '--set', 'hidden=1e13'], 2, 'at most 100000'),
    (['run', 'bars', '--device', 'numpy', '--quiet', '--set', 'g_d=0'], 2, 'g_d is 0'),
    (['run', 'bars', '--device', 'numpy', '--quiet', '--set', 'g_b=0', '--set', 'g_l=0'], 2,
     'g_l + g_b is 0'),
    (['run', 'mnist'], 2, "'data' is missing; give --data FOLDER, with the four files of MNIST, "
     'published at https://yann.lecun.com/exdb/mnist'),
    (['run', 'higgs'], 2, 'the file HIGGS.csv or HIGGS.csv.gz, published at https://'),
    (['export', 'cifar10', '--out', 'p', '--data', ''], 2, "'data' is missing"),
    (['run', 'mnist', '--data', 'nowhere'], 2,
     "there is no folder 'nowhere'; MNIST is published at https://"),
    (['run', 'mnist', '--data', 'foreign'], 2,
     "is not in the folder 'foreign'; MNIST is published"),
    (['run', 'mnist', '--data', 'a', '--data', 'b'], 2, "'data' is set twice"),
    (['run', 'mnist', '--data', 'a', '--set', 'data=b'], 2, "'data' is set twice"),
    (['run', 'digits', '--data', 'a'], 2, "unknown parameter of 'digits': 'data'"),
    (['run', 'digits', '--set', 'layers=conf'], 2, "did you mean 'conv'"),
    (['run', 'digits', '--set', 'precision=half'], 2, "value of 'precision': 'half'"),
    (['run', 'digits', '--set', 'batch=5000'], 2, 'there are only 1437 training samples'),
    (['run', 'digits', '--set', 't_pattern=0.25ms'], 2, 'not a whole number of time steps'),
    (['export', 'digits', '--out', 'p', '--quiet', '--set', 'epochs=1e6'], 2,
     "use fewer 'epochs' or 'samples'"),
    (['run', 'bars', '--seed', 'inf'], 2, "the seed is 'inf'"),
    (['run', 'bars', '--out', '.'], 2, "'.' cannot be the folder of a result"),
    (['run', 'bars', '--out', ''], 2, "'' cannot be the folder of a result"),
    (['export', 'bars', '--out', 'p', '--quiet', '--set', 't_pattern=1e5ms', '--set',
      'epochs=1e6'], 2, 'make it shorter'),
]


@pytest.mark.parametrize('arguments, code, message', BAD)
def test_bad_input(tmp_path, monkeypatch, capsys, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    os.mkdir('foreign')
    open('foreign/notes.txt', 'w').close()
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert captured.err.startswith('brian-le: error: ') and message in captured.err
    assert 'Traceback' not in captured.err
    assert os.listdir('.') == ['foreign'] and os.listdir('foreign') == ['notes.txt']


def test_no_compiler(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('PATH', '/nowhere')
    monkeypatch.delenv('CXX', raising=False)
    assert main(['run', 'bars', '--out', str(tmp_path/'r'), '--quiet']) == 1
    assert "needs 'g++'" in capsys.readouterr().err
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize('file, content, message', [
    ('arrays.npz', b'PK half', "arrays.npz' is damaged; delete its folder and run again"),
    ('arrays.npz', b'', "arrays.npz' is damaged"),
    ('run.json', b'{}', "run.json' is damaged: it lacks"),
    ('run.json', b'{', "run.json' is damaged"),
])
def test_damaged_results(tmp_path, capsys, file, content, message):
    out = str(tmp_path/'r')
    main(['run', 'bars', '--set', 't_pattern=0.3ms', '--set', 'epochs=1', '--device', 'numpy',
          '--quiet', '--out', out])
    (tmp_path/'r'/file).write_bytes(content)
    assert main(['plot', out]) == 2
    assert message in capsys.readouterr().err


def test_a_finished_result_is_not_overwritten(tmp_path, capsys):
    arguments = ['run', 'bars', '--set', 't_pattern=0.3ms', '--set', 'epochs=1', '--device',
                 'numpy', '--quiet', '--out', str(tmp_path/'r')]
    assert main(arguments) == 0
    assert main(arguments) == 2
    assert 'holds a finished result' in capsys.readouterr().err


def test_interruption(monkeypatch, capsys):
    from brian_le.protocols.runs import running as runner

    def interrupted(*arguments, **settings):
        raise KeyboardInterrupt
    monkeypatch.setattr(runner, 'run', interrupted)
    assert main(['run', 'bars']) == 130
    assert 'the same command continues the run' in capsys.readouterr().err


def test_the_installed_script():
    script = os.path.join(os.path.dirname(sys.executable), 'brian-le')
    done = subprocess.run([script, 'list'], capture_output=True, text=True, check=True)
    assert 'microcircuit' in done.stdout
    done = subprocess.run([script, 'run', 'bras'], capture_output=True, text=True)
    assert done.returncode == 2 and 'Traceback' not in done.stderr

import importlib
import os

import numpy as np
import pytest

from brian_le.models import layer_shapes
from brian_le.protocols import load_result, run
from brian_le.protocols.catalogue import PROTOCOLS
from brian_le.protocols.finding import get_protocol
from brian_le.protocols.runs import launches
from brian_le.protocols.tasks.classification.options import NETWORKS
from tests.protocols.data.data_folders import write_cifar10, write_higgs, write_mnist

QUICK = dict(epochs=1, t_pattern='0.1 ms', dt='0.1 ms', device='numpy', quiet=True, seed=1)
#: Small data and the settings that go with it.
FOLDERS = {
    'mnist': (lambda folder, gz: write_mnist(folder, 12, 5, gz, size=8), dict(batch=4)),
    'mnist-conv': (lambda folder, gz: write_mnist(folder, 12, 5, gz, size=16), dict(batch=4)),
    'higgs': (lambda folder, gz: write_higgs(folder, 100, gz), dict(batch=30, rows=100)),
    'cifar10': (lambda folder, gz: write_cifar10(folder, 2), dict(batch=4)),
}
#: Shapes of the forward weights with these data.
WEIGHTS = {
    'digits': [(60, 64), (10, 60)],
    'digits conv': [(8, 1, 3, 3), (60, 72), (10, 60)],
    'yin-yang': [(120, 4), (3, 120)],
    'mnist': [(300, 64), (100, 300), (10, 100)],
    'mnist-conv': [(20, 1, 5, 5), (50, 20, 5, 5), (500, 50), (10, 500)],
    'higgs': [(300, 28), (300, 300), (300, 300), (1, 300)],
    'cifar10': [(20, 3, 5, 5), (50, 20, 5, 5), (500, 1250), (10, 500)],
}


def check_shapes(arrays, names, shapes, epochs=1):
    expected = {}
    for name in (*names, 'backprop'):
        expected |= {f'{name}.accuracy': (epochs + 1,), f'{name}.train_loss': (epochs,),
                     f'{name}.test_accuracy': ()}
        for k, shape in enumerate(shapes):
            expected |= {f'{name}.W_forward_{k}': shape, f'{name}.W_bias_{k}': shape[:1]}
            if k and name in ('random', 'mirror'):
                expected[f'{name}.W_feedback_{k}'] = shape
    assert {key: array.shape for key, array in arrays.items()} == expected
    for key, array in arrays.items():
        assert np.isfinite(array).all()
        if 'accuracy' in key:
            assert array.min() >= 0 and array.max() <= 1


# ----------------------------------------------------------------------------- what needs no files
@pytest.mark.parametrize('protocol, settings', [
    ('digits', dict(batch=479)), ('digits', dict(batch=479, layers='conv', networks='le')),
    ('yin-yang', dict(batch=20, samples=41, networks='all', epochs=2))])
def test_result_of_a_run(tmp_path, protocol, settings):
    found = run(protocol, out=tmp_path/'r', **{**QUICK, **settings})
    case = f"{protocol} {settings.get('layers', '')}".strip()
    names = [settings['networks']] if settings.get('networks') == 'le' else list(NETWORKS)
    check_shapes(found.arrays, names, WEIGHTS[case], settings.get('epochs', 1))
    lines = list(get_protocol(protocol).summarize(found))
    assert len(lines) == len(names) + 1 and lines[-1].startswith('backpropagation')


def test_digits_need_scikit_learn(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'sklearn.datasets', None)
    with pytest.raises(ValueError, match='pip install scikit-learn'):
        run('digits', out=tmp_path/'r', **QUICK)
    assert os.listdir(tmp_path) == []


# -------------------------------------------------------------------------- what needs the user's
@pytest.mark.parametrize('protocol', FOLDERS)
def test_result_from_the_files_of_the_user(tmp_path, protocol):
    write, settings = FOLDERS[protocol]
    (tmp_path/'plain').mkdir()
    write(tmp_path/'plain', False)
    found = run(protocol, data=tmp_path/'plain', out=tmp_path/'r', **QUICK, **settings)
    check_shapes(found.arrays, ['le'], WEIGHTS[protocol])
    assert found.description['parameters']['data'] == str(tmp_path/'plain')
    if protocol == 'cifar10':  # its files are not compressed one by one
        return
    (tmp_path/'gzipped').mkdir()
    write(tmp_path/'gzipped', True)
    assert all(name.endswith('.gz') for name in os.listdir(tmp_path/'gzipped'))
    zipped = run(protocol, data=tmp_path/'gzipped', out=tmp_path/'z', **QUICK, **settings)
    for key, value in found.arrays.items():
        np.testing.assert_array_equal(zipped.arrays[key], value, err_msg=key)


def test_samples_are_the_first_ones(tmp_path):
    write_mnist(tmp_path, 40, 3, size=4)
    settings = dict(QUICK, data=tmp_path, batch=5)
    few = run('mnist', out=tmp_path/'few', samples='10', **settings)
    assert few.description['parameters']['samples'] == 10
    for name in ('train-images-idx3-ubyte', 'train-labels-idx1-ubyte'):
        content = bytearray((tmp_path/name).read_bytes())
        width = 16 if 'images' in name else 1
        start = (16 if 'images' in name else 8) + 10*width
        # others, up to those for validation
        content[start:start + 20*width] = bytes([1])*20*width
        (tmp_path/name).write_bytes(content)
    same = run('mnist', out=tmp_path/'same', samples=10, **settings)
    for key, value in few.arrays.items():
        np.testing.assert_array_equal(same.arrays[key], value, err_msg=key)
    with pytest.raises(ValueError, match='samples=1.5; give a whole number'):
        run('mnist', out=tmp_path/'r', samples='1.5', **settings)


def missing(folder):
    (folder/sorted(os.listdir(folder))[-1]).unlink()


def cut_off(folder):
    path = folder/sorted(os.listdir(folder))[-1]
    path.write_bytes(path.read_bytes()[:-len(path.read_bytes())//2])


@pytest.mark.parametrize('damage', [missing, cut_off])
@pytest.mark.parametrize('protocol', FOLDERS)
def test_damaged_folders(tmp_path, monkeypatch, protocol, damage):
    """An error before anything is built, and nothing is left behind."""
    def fail(*arguments):
        raise AssertionError('built')
    monkeypatch.setattr(launches, 'build_program', fail)
    write, settings = FOLDERS[protocol]
    (tmp_path/'data').mkdir()
    write(tmp_path/'data', protocol != 'cifar10')
    inside = tmp_path/'data'/'cifar-10-batches-py'
    damage(inside if inside.exists() else tmp_path/'data')
    with pytest.raises(ValueError, match=str(tmp_path/'data')):
        run(protocol, data=tmp_path/'data', out=tmp_path/'r', **QUICK, **settings)
    assert os.listdir(tmp_path) == ['data']


@pytest.mark.parametrize('protocol', FOLDERS)
def test_no_folder(tmp_path, protocol):
    with pytest.raises(ValueError, match="'data' is missing; give --data FOLDER, with the .*, "
                                         'published at https://'):
        run(protocol, out=tmp_path/'r', **QUICK)
    with pytest.raises(ValueError, match="there is no folder '.*nowhere'; .* published at https"):
        run(protocol, data=tmp_path/'nowhere', out=tmp_path/'r', **QUICK)
    assert os.listdir(tmp_path) == []


def test_exported_projects_are_read_without_the_files():
    """Losses follow from what was recorded before each batch, the last rates, and the targets."""
    mnist = get_protocol('mnist')
    own = mnist(mnist.read(dict(data='nowhere', batch=2, epochs=1)), 1)
    outputs, targets = np.arange(40.0).reshape(4, 10), np.eye(10)[[3, 1, 4, 1]]
    end = {'le_readout_monitor.value': np.concatenate([np.zeros(20), outputs[:2].ravel()]),
           'le_layer2.r': outputs[2:].ravel(), 'targets': targets}
    found = own.result(end, own.rows(end))
    assert set(found) == {'targets', 'le.train_loss'}
    np.testing.assert_array_equal(found['targets'], targets)
    np.testing.assert_allclose(found['le.train_loss'], [((outputs - targets)**2).sum()/2/4])


# ------------------------------------------------------------------------------- what they declare
CHAINS = {
    'digits': ((8, 8, 1), [(64,), (60,), (10,)]),
    'yin-yang': ((4,), [(120,), (3,)]),
    'mnist': ((28, 28, 1), [(784,), (300,), (100,), (10,)]),
    'mnist-conv': ((28, 28, 1), [(24, 24, 20), (12, 12, 20), (8, 8, 50), (4, 4, 50), (800,),
                                 (500,), (10,)]),
    'higgs': ((28,), [(300,), (300,), (300,), (1,)]),
    'cifar10': ((32, 32, 3), [(28, 28, 20), (14, 14, 20), (10, 10, 50), (5, 5, 50), (1250,),
                              (500,), (10,)]),
}


@pytest.mark.parametrize('protocol', CHAINS)
def test_architectures(protocol):
    """Those of the documentation, with a learning rate for every layer that learns."""
    found = get_protocol(protocol)
    p = found.read({'data': 'd'} if protocol in FOLDERS else {})
    shape, chain = CHAINS[protocol]
    layers = found(p, 1).layers
    assert layer_shapes(shape, layers) == [shape, *chain]
    factors = found(p, 1).factors
    assert len(factors) == sum(layer.has_weights for layer in layers) and factors[0] == 1
    text = f'{found.summary} {found.__doc__}'
    if 'conv' not in text:
        assert '-'.join(str(n) for (n,) in [shape, *chain][-len(factors) - 1:]) in text
    assert abs(p.t_pattern/p.dt - round(p.t_pattern/p.dt)) < 1e-9


def test_every_protocol_has_what_commands_need():
    for name in PROTOCOLS:
        protocol = get_protocol(name)
        assert (protocol.name, protocol.summary) == (name, PROTOCOLS[name][1])
        assert protocol.__doc__
        figures = importlib.import_module(protocol.figures)
        assert figures.__all__ and all(callable(getattr(figures, key)) for key in figures.__all__)


# --------------------------------------------------------------------------------------- learning
def test_digits_are_learned_with_look_ahead_only(tmp_path):
    """Three epochs; 97.5, 95.6, 11.7 and 94.4 % were measured."""
    out = tmp_path/'r'
    run('digits', epochs=3, seed=42, quiet=True, out=out)
    last = {name: load_result(out).arrays[f'{name}.accuracy'][-1] for name in (
        'le', 'random', 'mirror', 'no_look_ahead', 'backprop')}
    assert last['le'] > 0.95 and last['random'] > 0.93 and last['mirror'] > 0.93
    assert last['no_look_ahead'] < 0.5
    assert last['backprop'] > 0.85


@pytest.mark.slow
def test_digits_for_ten_epochs(tmp_path):
    found = [run('digits', seed=seed, quiet=True, out=tmp_path/str(seed)).arrays
             for seed in (42, 69, 12345)]
    le, random, mirror = ([arrays[f'{name}.accuracy'][-1] for arrays in found]
                          for name in ('le', 'random', 'mirror'))
    assert np.mean(le) >= 0.97 and min(le) >= 0.965
    assert min(random) >= 0.96 and min(mirror) >= 0.96
    assert max(arrays['no_look_ahead.accuracy'].max() for arrays in found) < 0.5


@pytest.mark.slow
def test_digits_are_learned_by_a_convolutional_network(tmp_path):
    found = run('digits', layers='conv', networks='le', seed=42, quiet=True,
                out=tmp_path/'r').arrays
    assert found['le.accuracy'][-1] >= 0.97 and found['backprop.accuracy'][-1] >= 0.95

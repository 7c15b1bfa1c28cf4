import numpy as np
import pytest
from matplotlib.colors import to_rgb

from brian_le.protocols import figures, plot, run
from brian_le.protocols.bars_figures import learning, potentials


@pytest.fixture(scope='module')
def result(tmp_path_factory):
    return run('bars', t_pattern='0.5 ms', epochs=3, device='numpy', quiet=True, seed=2,
               out=tmp_path_factory.mktemp('figures')/'r')


def curves(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_learning_curves_are_the_results(result):
    drawn = learning(result)
    (axes,) = drawn['error'].axes
    for label, name in (('Latent Equilibrium', 'le'), ('original circuit', 'original')):
        np.testing.assert_array_equal(curves(axes)[label].get_ydata(),
                                      result.arrays[f'{name}.error'])
        mean = curves(drawn['accuracy'].axes[0])[label].get_ydata()
        np.testing.assert_allclose(mean, [100*result.arrays[f'{name}.accuracy'].mean()])
    assert axes.get_xlabel() == 'epoch' and axes.get_yscale() == 'log'
    assert '%' in drawn['accuracy'].axes[0].get_ylabel()


def test_potentials_are_the_traces(result):
    drawn = potentials(result)
    assert set(drawn) == {'potentials-le', 'potentials-original'}
    for name, soma in (('le', 'u_prosp'), ('original', 'u')):
        axes = drawn[f'potentials-{name}'].axes
        for column, when in enumerate(('before', 'after')):
            output, hidden = curves(axes[column]), curves(axes[6 + column])
            label = 'soma (look-ahead)' if name == 'le' else 'soma'
            np.testing.assert_array_equal(output[label].get_ydata(),
                                          result.arrays[f'{name}.{when}_output_{soma}'][:, 0])
            np.testing.assert_array_equal(hidden['apical'].get_ydata(),
                                          result.arrays[f'{name}.{when}_hidden_v_api'][:, 0])
            np.testing.assert_array_equal(output['target'].get_ydata(),
                                          np.repeat(result.arrays['targets'][:, 0], 5))
        assert axes[-1].get_xlabel() == 'time (ms)'
        assert curves(axes[0])['target'].get_xdata()[-1] == pytest.approx(4.0)


def test_colours_differ_in_grey():
    grey = [np.dot(to_rgb(colour), (0.299, 0.587, 0.114))
            for colour in (figures.BLACK, figures.BLUE, figures.ORANGE)]
    assert min(np.diff(sorted(grey))) > 0.2


def test_files(result, tmp_path):
    files = plot(result.directory, tmp_path/'f')
    assert sorted(file.suffix for file in files) == ['.pdf']*4 + ['.png']*4
    for file in files:
        start = file.read_bytes()[:4]
        assert start == (b'\x89PNG' if file.suffix == '.png' else b'%PDF')

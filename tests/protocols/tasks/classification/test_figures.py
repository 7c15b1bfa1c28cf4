from types import SimpleNamespace

import numpy as np
import pytest

from brian_le.protocols import plot, run
from brian_le.protocols.runs.results import load_result
from brian_le.protocols.tasks.classification.figures import STYLES, learning
from brian_le.protocols.tasks.classification.options import LABELS
from brian_le.protocols.tasks.classification.yin_yang_figures import answers

ALL = ['le', 'random', 'mirror', 'no_look_ahead', 'backprop']


@pytest.fixture(scope='module')
def result(tmp_path_factory):
    """A result with all networks, read from its folder alone."""
    out = tmp_path_factory.mktemp('figures')/'r'
    run('yin-yang', t_pattern='0.5 ms', epochs=2, batch=20, hidden=5, samples=40, networks='all',
        device='numpy', quiet=True, seed=2, out=out)
    return load_result(out)


def alone(result, name):
    """A result with one network of slow neurons."""
    arrays = {key: value for key, value in result.arrays.items()
              if key.startswith((f'{name}.', 'backprop.'))}
    return SimpleNamespace(arrays=arrays, description=result.description)


def curves(axes):
    return {line.get_label(): line for line in axes.get_lines()}


@pytest.mark.parametrize('names', [ALL, *([name, 'backprop'] for name in ALL[:-1])])
def test_learning_curves_are_the_results(result, names):
    drawn = learning(result if names is ALL else alone(result, names[0]))
    assert set(drawn) == {'error', 'loss'}
    (error,), (loss,) = drawn['error'].axes, drawn['loss'].axes
    for axes in (error, loss):
        assert list(curves(axes)) == [LABELS[name] for name in names]
        assert [text.get_text() for text in axes.get_legend().get_texts()] == list(curves(axes))
        assert axes.get_title() == 'yin-yang, batches of 20 for 0.5 ms, seed 2'
        assert axes.get_xlabel() == 'epoch' and axes.get_yscale() == 'log'
    for name in names:
        accuracy, losses = (result.arrays[f'{name}.{key}'] for key in ('accuracy', 'train_loss'))
        x, y = curves(error)[LABELS[name]].get_data()
        np.testing.assert_array_equal(x, [0, 1, 2])
        np.testing.assert_allclose(y, 100*(1 - accuracy))
        x, y = curves(loss)[LABELS[name]].get_data()
        np.testing.assert_array_equal(x, [1, 2])
        np.testing.assert_array_equal(y, losses)
    assert error.get_ylabel() == 'error on held-out samples (%)'
    assert loss.get_ylabel() == 'loss while learning'


def test_files_from_the_folder_alone(result, tmp_path):
    files = plot(result.directory, tmp_path/'f')
    assert sorted(file.name for file in files) == sorted(
        f'{name}.{ending}' for name in ('error', 'loss', 'answers') for ending in ('png', 'pdf'))
    for file in files:
        assert file.read_bytes()[:4] == (b'\x89PNG' if file.suffix == '.png' else b'%PDF')


def test_no_error_at_all_is_drawn_on_the_axis(result):
    perfect = SimpleNamespace(description=result.description, arrays={
        'le.accuracy': np.array([0.1, 1.0]), 'le.train_loss': np.array([0.3])})
    (axes,) = learning(perfect)['error'].axes
    np.testing.assert_allclose(curves(axes)[LABELS['le']].get_ydata(), [90, 0.01])


def test_curves_are_told_apart():
    assert set(STYLES) == set(LABELS)
    colours, lines, markers = zip(*STYLES.values())
    assert len(set(colours)) == len(set(lines)) == len(set(markers)) == 5


@pytest.mark.parametrize('name, columns', [
    ('all', ['le', 'random', 'mirror', 'backprop']), ('le', ['le', 'backprop']),
    ('mirror', ['mirror', 'backprop']), ('no_look_ahead', ['backprop'])])
def test_answers_are_those_of_the_trained_weights(result, name, columns):
    shown = result if name == 'all' else alone(result, name)
    figure = answers(shown)['answers']
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == [
        f"{LABELS[each]}\n{100*result.arrays[f'{each}.test_accuracy']:.1f} % of 1000 points"
        for each in columns]
    assert figure.axes[0].get_ylabel() == 'input y'
    assert {axes.get_xlabel() for axes in figure.axes} == {'input x'}
    # the twin has no dynamics: its crosses are those of the result
    wrong = max(figure.axes[-1].get_lines(), key=lambda line: len(line.get_xdata()))
    assert len(wrong.get_xdata()) == round(1000*(1 - result.arrays['backprop.test_accuracy']))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        'lower part', 'upper part', 'dots', 'wrong answer']

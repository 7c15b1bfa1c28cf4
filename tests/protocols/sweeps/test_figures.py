"""Figures of any study."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb

from brian_le.protocols.drawing.places import Places, is_logarithmic, ticks_between, wrapped
from brian_le.protocols.runs.descriptions import check_study
from brian_le.protocols.sweeps.figures import measures
from brian_le.protocols.sweeps.panels import LOOKS
from tests.protocols.sweeps import drawn_studies
from tests.protocols.sweeps.drawn_studies import STUDIES, study


def drawn(figure):
    """A figure that is laid out, and what measures the sizes of things in it."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return canvas.get_renderer()


def with_id(axes, name):
    return [artist for artist in (*axes.lines, *axes.texts) if artist.get_gid() == name]


def labels(axis):
    return [tick.get_text() for tick in axis.get_ticklabels() if tick.get_text()]


def texts(figure):
    """All that can be read in a figure."""
    found = [*figure.texts, *([figure._suptitle] if figure._suptitle else [])]
    for axes in figure.axes:
        found += [axes.title, *axes.texts]
        for axis in (axes.xaxis, axes.yaxis):
            found.append(axis.label)
            found += axis.get_ticklabels() if axes.axison else []
    for legend in figure.legends:
        found += [*legend.get_texts(), legend.get_title()]
    return [text for text in found if text.get_text().strip() and text.get_visible()]


def panels(figure):
    return [axes for axes in figure.axes if axes.get_label() != '<colorbar>']


@pytest.mark.parametrize('kind', STUDIES)
def test_all_kinds_are_laid_out(kind):
    """Nothing reaches out of the figure, no legend or title lies over data, no labels overlap."""
    for figure in measures(STUDIES[kind]()).values():
        renderer = drawn(figure)
        whole = figure.bbox.padded(1)
        for text in texts(figure):
            box = text.get_window_extent(renderer)
            assert (whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0
                    and box.y1 <= whole.y1), text.get_text()
        for axes in figure.axes:
            frame = axes.get_window_extent(renderer)
            for legend in figure.legends:
                assert not legend.get_window_extent(renderer).overlaps(frame)
            assert not figure._suptitle.get_window_extent(renderer).overlaps(frame)
            if axes.axison and not any(tick.get_rotation() for tick in axes.get_xticklabels()):
                boxes = [tick.get_window_extent(renderer) for tick in axes.get_xticklabels()
                         if tick.get_text() and tick.get_visible()]
                assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
            for one, other in combinations(with_id(axes, 'count'), 2):
                assert not one.get_window_extent(renderer).overlaps(
                    other.get_window_extent(renderer))
        assert not np.isnan(np.concatenate(
            [line.get_xydata().ravel() for axes in figure.axes for line in axes.lines]
            or [[0.0]])).any()


@pytest.mark.parametrize('kind', [kind for kind in STUDIES if kind != 'all-failed'])
def test_settings_that_have_lost_runs_are_marked(kind):
    """One cross for each of them in the panels of each measure that is drawn."""
    made = STUDIES[kind]()
    names = ('part', *made.description['columns'])
    shown = {name for row in made.rows if not row['failed'] for name, value in row.items()
             if name not in {*names, 'seed', 'run', 'failed'}
             and isinstance(value, (bool, int, float)) and np.isfinite(value)}
    lost = {}
    for row in made.rows:
        for name in shown:
            value = row.get(name)
            if row['failed'] or isinstance(value, float) and not np.isfinite(value):
                lost.setdefault((name, *(row.get(each) for each in names)), []).append(row)
    marks = [mark for figure in measures(made).values() for axes in figure.axes
             for mark in with_id(axes, 'lost')]
    assert len(marks) == len(lost)
    failures = len({row['run'] for row in made.rows if row['failed']})
    for figure in measures(made).values():
        assert (f'{failures} of {len(made.rows)} runs failed' in figure._suptitle.get_text()
                ) == bool(failures)


def test_how_many_runs_a_mean_is_of():
    made = study(dict(x=[0.0, 1.0, 2.0]), lambda run, random: dict(y=run['x']),
                 fails=lambda run: 'diverged' if (run['x'], run['seed']) in (
                     (1.0, 12345), (2.0, 12345), (2.0, 12346), (2.0, 12347)) else '')
    (axes,) = measures(made)['measures'].axes
    assert [text.get_text() for text in with_id(axes, 'count')] == ['2 of 3', '0 of 3']
    assert [mark.get_xdata()[0] for mark in with_id(axes, 'lost')] == [1, 2]
    assert [list(mean.get_xdata()) for mean in with_id(axes, 'mean')][0] == [0, 1]
    assert labels(axes.yaxis)[-1] == 'failed'
    for mark in with_id(axes, 'lost'):  # below all that has been measured
        assert mark.get_ydata()[0] < axes.transAxes.inverted().transform(
            axes.transData.transform((0, 0)))[1]


def test_unlimited_has_a_place_of_its_own():
    figure = measures(STUDIES['unlimited']())['measures']
    drawn(figure)
    for axes in figure.axes:
        assert len(with_id(axes, 'gap')) == 1
        gap = with_id(axes, 'gap')[0].get_position()[0]
        amounts, apart = with_id(axes, 'mean')
        assert list(amounts.get_xdata()) == [4, 5, 6, 8, 10, 12, 16]
        assert amounts.get_linestyle() == '-' and apart.get_linestyle() == 'None'
        (at,) = apart.get_xdata()
        assert 16 < gap < at < axes.get_xlim()[1]
    ticks = dict(zip(labels(figure.axes[-1].xaxis), figure.axes[-1].get_xticks()))
    assert ticks['unlimited'] == at and '0' not in ticks and ticks['16'] == 16


def test_the_parameter_says_what_is_unlimited(tmp_path):
    """From its declaration through the file of a study into the figure."""
    from brian_le.protocols.sweeps.study_files import get_study
    from brian_le.protocols.sweeps.study_folders import describe
    some = get_study('bars').changed({'bits': [0, 4], 'noise': [0]}, None, None, None, None)
    description = describe(some, some.plan(), tmp_path)
    assert description['named'] == {'bits': [[0, 'unlimited']]}
    check_study(description)
    with pytest.raises(ValueError, match="of 'bits' are called is 5"):
        check_study(description | {"named": {"bits": 5}})


@pytest.mark.parametrize('kind, scale, ticks', [
    ('logarithmic', 'log', ['0.3', '1', '3', '10', '30', '100']),
    ('logarithmic-with-zero', 'log', ['0', '0.1', '0.3', '1', '3']),
    ('continuous', 'linear', ['0', '0.2', '0.4', '0.6', '0.8', '1']),
    ('negative', 'linear', ['-2', '-0.5', '0', '0.5', '2'])])
def test_numbers_stand_where_numbers_stand(kind, scale, ticks):
    figure = measures(STUDIES[kind]())['measures']
    drawn(figure)
    axes = figure.axes[-1]
    assert axes.get_xscale() == scale
    assert dict.fromkeys(sorted(labels(axes.xaxis), key=float)) == dict.fromkeys(ticks)
    assert bool(with_id(axes, 'gap')) == (kind == 'logarithmic-with-zero')
    for at, label in zip(axes.get_xticks(), labels(axes.xaxis)):
        assert at == pytest.approx(float(label)) or label == '0' and at > 0


def test_what_is_no_number_stands_side_by_side_without_a_line():
    for kind, ticks in (('booleans', ['true', 'false']),
                        ('categorical', ['dendritic', 'apical\nsilencing', 'none'])):
        figure = measures(STUDIES[kind]())['measures']
        drawn(figure)
        (axes,) = figure.axes
        assert [label.split() for label in labels(axes.xaxis)] == [tick.split() for tick in ticks]
        assert {mean.get_linestyle() for mean in with_id(axes, 'mean') if len(mean.get_xdata())
                } == {'None'}


def test_points_are_means_and_seeds():
    made = STUDIES['continuous-curves']()
    figure = measures(made)['measures']
    (axes,), (legend,) = figure.axes, figure.legends
    curves = [mean for mean in with_id(axes, 'mean') if len(mean.get_xdata())]
    for circuit, curve in zip(('true', 'false'), curves):
        rows = [row for row in made.rows if row['prospective'] == circuit]
        np.testing.assert_allclose(curve.get_ydata(), [
            np.mean([row['accuracy'] for row in rows if row['noise'] == x])
            for x in curve.get_xdata()])
        seeds = [value for line in with_id(axes, 'seeds') for value in line.get_ydata()
                 if line.get_color() == curve.get_color()]
        assert sorted(seeds) == sorted(row['accuracy'] for row in rows)
    assert legend.get_title().get_text() == 'prospective'
    assert [text.get_text() for text in legend.get_texts()] == ['true', 'false']


def test_units_and_names_on_axes():
    figure = measures(STUDIES['units']())['measures']
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ('tau_m (s)', 'left')
    assert figure._suptitle.get_text().startswith('my_model.py:build\n')
    (axes,) = measures(STUDIES['one-value-many-seeds']())['measures'].axes
    assert len(with_id(axes, 'seeds')[0].get_ydata()) == 10
    assert 'noise = 0.1' in axes.figure._suptitle.get_text()


def test_panels():
    """Of measures below each other, of parts and of many curves beside each other."""
    figure = measures(STUDIES['four-measures']())['measures']
    assert [axes.get_ylabel().replace('\n', '') for axes in figure.axes] == [
        'accuracy', 'loss', 'weight_norm', 'epochs_until_learned']
    assert [axes.get_xlabel() for axes in figure.axes] == ['', '', '', 'noise']
    assert list(measures(STUDIES['six-measures']())) == ['measures', 'measures-2']
    parts = measures(STUDIES['parts-of-different-parameters']())['measures'].axes
    assert [axes.get_xlabel() for axes in parts] == ['noise', 'delay (ms)']
    assert parts[1].get_title() == 'delay'
    nine = measures(STUDIES['nine-parts']())
    assert len(nine) == 2 and all(len(figure.axes) == 9 for figure in nine.values())
    assert nine['measures'].axes[8].get_title() == 'layer 8 alone, with feedback'


def test_two_parameters_of_many_numbers_are_a_map():
    made = STUDIES['map']()
    figure = measures(made)['measures']
    image = figure.axes[0].images[0].get_array()
    assert image.shape == (7, 9)
    assert image[2, 1] == pytest.approx(np.mean([
        row['accuracy'] for row in made.rows
        if row['noise'] == 0.125 and row['mismatch'] == pytest.approx(1/6, abs=1e-3)]))
    assert len(measures(STUDIES['numbers-as-curves']())['measures'].legends[0].get_texts()) == 3


def test_what_cannot_be_drawn_is_named():
    title = measures(STUDIES['texts-and-arrays']())['measures']._suptitle.get_text()
    assert 'not drawn, because they are no numbers: verdict, trace' in title
    for kind in ('only-texts', 'all-failed'):
        figure = measures(STUDIES[kind]())['measures']
        assert 'nothing to draw' in figure.axes[0].texts[0].get_text()


def test_curves_differ_in_colour_marker_and_line():
    looks = LOOKS
    assert all(len({str(look[k]) for look in looks}) == len(looks) == 6 for k in range(3))
    grey = sorted(np.dot(to_rgb(colour), (0.299, 0.587, 0.114)) for colour, _, _ in looks[:3])
    assert min(np.diff(grey)) > 0.05


def test_places():
    places = Places([0, 4, None, 16], [[0, 'unlimited']])
    assert places.values() == [4, 16, 0, None] and places.is_ordered
    assert not Places([0], [[0, 'unlimited']]).is_ordered
    assert not Places(['a', 1]).is_ordered and Places([True, False]).values() == [True, False]
    assert is_logarithmic([1e-3, 1e-2, 1]) and not is_logarithmic([-1, 1, 100])
    assert not is_logarithmic([0, 1]) and not is_logarithmic(np.linspace(0.01, 1, 50))
    assert ticks_between(0.9, 110, True) == [1, 10, 100]
    np.testing.assert_allclose(ticks_between(0, 1, False), [0, 0.2, 0.4, 0.6, 0.8, 1])
    assert wrapped('accuracy_at death', 12) == 'accuracy_at\ndeath'
    assert wrapped('accuracy_at death', 9) == 'accuracy_\nat death'
    assert wrapped('short', 10) == 'short'


def test_the_command_that_draws_them(tmp_path, monkeypatch):
    monkeypatch.setattr(drawn_studies, 'STUDIES', {'one': STUDIES['single-point']})
    drawn_studies.main(tmp_path/'f')
    assert (tmp_path/'f'/'one-measures.png').read_bytes()[:4] == b'\x89PNG'


def test_failed_runs_without_a_row_are_counted():
    made = study(dict(x=[0.0, 1.0]), lambda run, random: dict(y=run['x']), seeds=2)
    made.failed = [dict(run='r', parameters={'x': 1.0}, seed=7, reason='damaged'),
                   dict(run='run0', parameters={'x': 0.0}, seed=12345, reason='has a row')]
    figure = measures(made)['measures']
    assert '1 of 5 runs failed' in figure._suptitle.get_text()
    assert [text.get_text() for text in with_id(figure.axes[0], 'count')] == ['2 of 3']
    made.rows = []
    figure = measures(made)['measures']
    assert '2 of 2 runs failed' in figure._suptitle.get_text()

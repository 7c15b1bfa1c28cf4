"""Studies of many kinds, made up, to be drawn and looked at.

::

    python -m tests.protocols.sweeps.drawn_studies FOLDER

draws them all.
"""

import sys
from itertools import product
from pathlib import Path

import numpy as np

from brian_le.protocols.sweeps.study_results import StudyResult

NAMED = {'bits': [[0, 'unlimited']]}


def study(grid, score, *, units=None, seeds=3, target='bars', fails=lambda run: '', parts=None,
          named=None):
    """All combinations of a grid (or of one per part), with what `score` makes of each seed."""
    random, columns, runs = np.random.default_rng(1), {}, []
    for part, some in (parts or {None: grid}).items():
        for values in product(*some.values()):
            for seed in range(12345, 12345 + seeds):
                runs.append({**({'part': part} if parts else {}), **dict(zip(some, values)),
                             'seed': seed})
        columns |= dict.fromkeys(some, '')
    for number, run in enumerate(runs):
        for name in columns:
            run.setdefault(name, 0.0)
        error = fails(run)
        run |= {} if error else score(run, random)
        run |= dict(failed=error, run=f'run{number}')
    return StudyResult('made-up', dict(target=target, columns=columns | (units or {}),
                                       named=NAMED | (named or {})), runs)


def accuracy(run, random, middle=0.5, x=0.0):
    return round(float(np.clip(1/(1 + np.exp(8*(x - middle))) + 0.05*random.normal(), 0, 1)), 3)


def both(name, scale=1.0, middle=0.5):
    """An accuracy that falls with a parameter, and a loss that grows."""
    def score(run, random):
        x = run[name]*scale
        return dict(accuracy=accuracy(run, random, middle, x),
                    loss=float(np.exp(3*x + 0.2*random.normal())))
    return score


def some(run, random):
    return dict(accuracy=float(random.uniform(0.7, 1)))


def every(number, error="'le_up0.w' is no longer finite"):
    """Let every so manieth run fail."""
    left = [0]

    def fails(run):
        left[0] += 1
        return '' if left[0] % number else error
    return fails


def bits_score(run, random):
    bits = run['bits'] or 30
    return dict(accuracy=accuracy(run, random, 0.0, (6 - bits)/8), loss=float(
        2.0**-bits*(1 + 0.3*random.random())))


LONG = 'membrane_time_constant_of_the_interneurons_in_the_second_hidden_layer'

#: Functions that make a study, by what is particular about it.
STUDIES = {
    'continuous': lambda: study(dict(noise=np.linspace(0, 1, 6).tolist()), both('noise')),
    'continuous-curves': lambda: study(
        dict(prospective=['true', 'false'], noise=np.linspace(0, 1, 6).tolist()),
        lambda run, random: dict(accuracy=accuracy(
            run, random, 0.7 if run['prospective'] == 'true' else 0.3, run['noise']))),
    'logarithmic': lambda: study(dict(t_pattern=[0.3, 1.0, 3.0, 10.0, 30.0, 100.0]),
                                 both('t_pattern', 0.01), units=dict(t_pattern='ms')),
    'logarithmic-with-zero': lambda: study(dict(delay=[0.0, 0.1, 0.3, 1.0, 3.0]),
                                           both('delay', 0.3), units=dict(delay='ms')),
    'unlimited': lambda: study(dict(bits=[0, 4, 5, 6, 8, 10, 12, 16]), bits_score, seeds=5),
    'unlimited-curves-failed': lambda: study(
        dict(rounding=['accumulated', 'stochastic', 'nearest'], bits=[4, 5, 6, 8, 16, 0]),
        bits_score, fails=lambda run: 'diverged' if run['bits'] in (4, 5) and run['seed'] % 2 else
        ''),
    'automatic': lambda: study(dict(lag=[None, 1.0, 2.0, 5.0]),
                               some, units=dict(lag='ms')),
    'categorical': lambda: study(dict(rule=['dendritic', 'apical silencing', 'none']), some,
                                 seeds=8),
    'categorical-curves': lambda: study(
        dict(rule=['dendritic', 'apical', 'none', 'random'], prospective=[True, False]), some,
        seeds=4, fails=every(7)),
    'booleans': lambda: study(dict(prospective=[True, False]), some),
    'true-or-false-scores': lambda: study(
        dict(noise=[0.0, 0.1, 0.2, 0.4]),
        lambda run, random: dict(learned=bool(random.random() > run['noise']),
                                 **some(run, random))),
    'units': lambda: study(dict(tau_m=[0.005, 0.01, 0.02], n=[20, 40]),
                           lambda run, random: dict(left=np.exp(-0.05/run['tau_m'])),
                           units=dict(tau_m='s'), target='/home/me/models/my_model.py:build'),
    'four-measures': lambda: study(
        dict(noise=np.linspace(0, 1, 6).tolist(), networks=['le', 'no_look_ahead', 'backprop']),
        lambda run, random: dict(
            accuracy=accuracy(run, random, 0.5, run['noise']), loss=float(np.exp(4*run['noise'])),
            weight_norm=3 + random.normal(), epochs_until_learned=int(random.integers(1, 1000)))),
    'six-measures': lambda: study(
        dict(noise=[0.0, 0.5, 1.0]), lambda run, random: {f'measure_{k}': random.normal()*10**k
                                                          for k in range(6)}),
    'parts-of-one-parameter': lambda: study(
        {}, both('noise'), parts={'Latent Equilibrium': dict(noise=[0.0, 0.2, 0.4]),
                                  'original circuit': dict(noise=[0.0, 0.2, 0.4, 0.8])}),
    'parts-of-different-parameters': lambda: study(
        {}, some, parts={'noise': dict(noise=[0.0, 0.1, 0.2]), 'delay': dict(delay=[0.5, 1.0, 2.0]),
                         'nothing': {'noise': [0.0]}}, units=dict(delay='ms'), fails=every(5)),
    'nine-parts': lambda: study(
        {}, both('noise'), parts={f'layer {k} alone, with feedback': dict(
            noise=[0.0, 0.2, 0.4, 0.8]) for k in range(9)}, fails=every(10)),
    'parts-of-one-setting': lambda: study({}, some, parts={
        'digits': dict(hidden=[100]), 'mnist': dict(hidden=[300]), 'higgs': dict(hidden=[50])}),
    'many-parameters': lambda: study(
        dict(noise=[0.0, 0.1, 0.2, 0.3], prospective=[True, False], hidden=[10, 30, 100],
             rule=['a', 'b']), both('noise')),
    'map': lambda: study(
        dict(noise=np.round(np.linspace(0, 1, 9), 3).tolist(),
             mismatch=np.round(np.linspace(0, 0.5, 7), 3).tolist()),
        lambda run, random: dict(accuracy=accuracy(run, random, 0.6,
                                                   run['noise'] + run['mismatch']),
                                 loss=run['noise'] + run['mismatch']),
        fails=lambda run: 'diverged' if run['noise'] + run['mismatch'] > 1.3 and run['seed'] % 2
        else ''),
    'numbers-as-curves': lambda: study(
        dict(noise=np.linspace(0, 1, 7).tolist(), delay=[0.0, 1.0, 2.0]), both('noise'),
        units=dict(delay='ms')),
    'many-values': lambda: study(dict(gain=np.linspace(0.013, 1, 60).tolist()), both('gain'),
                                 fails=every(11)),
    'many-categories': lambda: study(
        dict(network=[f'network_number_{k}' for k in range(20)]), some),
    'long-names': lambda: study(
        {LONG: [1.0, 2.0], 'data': ['a folder with a very long name/and another one/mnist, as '
                                    'published', 'the same with much noise on all of the inputs']},
        lambda run, random: {f'accuracy_of_{LONG}': random.random(), 'error': random.random()},
        units={LONG: 'ms'}, target='a_target_whose_name_does_not_end_before_the_figure_does.py:'
        'build_the_model_with_everything'),
    'single-point': lambda: study(dict(noise=[0.1]), some, seeds=1),
    'one-value-many-seeds': lambda: study(dict(noise=[0.1]), some, seeds=10),
    'no-seeds': lambda: study(dict(noise=[0.0, 0.1, 0.2], prospective=[True, False]), some,
                              seeds=1, fails=every(5)),
    'negative': lambda: study(dict(bias=[-2.0, -0.5, 0.0, 0.5, 2.0]),
                              lambda run, random: dict(shift=run['bias'] + random.normal())),
    'not-finite': lambda: study(
        dict(noise=[0.0, 0.1, 0.2]),
        lambda run, random: dict(accuracy=random.choice([0.5, float('nan'), float('inf')]))),
    'texts-and-arrays': lambda: study(
        dict(noise=[0.0, 0.1, 0.2]),
        lambda run, random: dict(accuracy=0.9, verdict='learned', trace=[1, 2, 3])),
    'all-of-a-setting-failed': lambda: study(
        dict(noise=[0.0, 0.1, 0.2, 0.3], prospective=['true', 'false']), some,
        fails=lambda run: 'diverged' if run['noise'] > 0.15 and run['prospective'] == 'false'
        else ''),
    'all-failed': lambda: study(dict(noise=[0.0, 0.1]), some, fails=lambda run: 'diverged'),
    'only-texts': lambda: study(dict(noise=[0.0, 0.1]), lambda run, random: dict(verdict='good')),
    'single-value-unlimited': lambda: study(dict(bits=[0]), some),
    'some-have-no-such-measure': lambda: study(
        dict(dead=[0.0, 0.1, 0.3]), lambda run, random: dict(
            accuracy=0.9 - run['dead'], accuracy_at_death=0.5 if run['dead'] else None)),
}


def main(folder):
    import matplotlib

    from brian_le.protocols.plotting import STYLE
    from brian_le.protocols.sweeps.figures import measures
    Path(folder).mkdir(parents=True, exist_ok=True)
    for kind, made in STUDIES.items():
        for name, figure in measures(made()).items():
            with matplotlib.rc_context(STYLE):
                figure.savefig(Path(folder)/f'{kind}-{name}.png')


if __name__ == '__main__':
    main(*sys.argv[1:])

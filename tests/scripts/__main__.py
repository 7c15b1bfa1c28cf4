"""Many drawn scripts in one go, with stock and with dense synapses.

    python -m tests.scripts --examples 5000 --seed 1
    python -m tests.scripts --examples 300 --seed 1 --target cython --frames 20

Those of a frame share their equations, and most of the code that Cython compiles. Prints each
script with which the two differ, and how many there were of each kind.
"""

import argparse
import collections
import logging
import traceback

from brian2 import Synapses, prefs
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.scripts.drawing import drawn, frames, scripts
from tests.scripts.running import attempt, check


def main():
    parser = argparse.ArgumentParser(prog='python -m tests.scripts', description=__doc__)
    parser.add_argument('--examples', type=int, default=5000)
    parser.add_argument('--target', choices=('numpy', 'cython'), default='numpy')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--frames', type=int)
    args = parser.parse_args()
    logging.getLogger('brian2').setLevel(logging.CRITICAL)
    outcomes = collections.Counter()
    strategy = scripts(random=args.target == 'numpy')
    if args.frames:
        strategy = scripts(frame=st.sampled_from(
            drawn(frames(random=args.target == 'numpy'), args.frames)))

    @seed(args.seed)
    @settings(max_examples=args.examples, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(strategy)
    def run(script):
        try:
            prefs.codegen.target = 'numpy'
            expected = attempt(script, Synapses)
            prefs.codegen.target = args.target
            outcomes[check(script, expected=expected)] += 1
        except Exception as error:
            outcomes['different'] += 1
            if isinstance(error, AssertionError):
                print(error, flush=True)
            else:
                print(script, '\n', flush=True)
                traceback.print_exc()
            print('-'*99, flush=True)
        if not outcomes.total() % 20:
            print(dict(outcomes), flush=True)

    run()
    print(dict(outcomes))


if __name__ == '__main__':
    main()

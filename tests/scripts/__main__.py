"""Many drawn scripts in one go, with stock and with dense synapses.

    python -m tests.scripts --examples 5000 --target numpy --seed 1

Prints each script with which the two differ, and how many there were of each kind.
"""

import argparse
import collections
import logging
import traceback

from brian2 import prefs
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.scripts.drawing import scripts
from tests.scripts.running import check


def main():
    parser = argparse.ArgumentParser(prog='python -m tests.scripts', description=__doc__)
    parser.add_argument('--examples', type=int, default=5000)
    parser.add_argument('--target', choices=('numpy', 'cython'), default='numpy')
    parser.add_argument('--seed', type=int, default=1)
    args = parser.parse_args()
    prefs.codegen.target = args.target
    logging.getLogger('brian2').setLevel(logging.CRITICAL)
    outcomes = collections.Counter()

    @seed(args.seed)
    @settings(max_examples=args.examples, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(scripts())
    def run(script):
        try:
            outcomes[check(script)] += 1
        except Exception as error:
            outcomes['different'] += 1
            if isinstance(error, AssertionError):
                print(error, flush=True)
            else:
                print(script, '\n', flush=True)
                traceback.print_exc()
            print('-'*99, flush=True)
        if not outcomes.total() % 100:
            print(dict(outcomes), flush=True)

    run()
    print(dict(outcomes))


if __name__ == '__main__':
    main()

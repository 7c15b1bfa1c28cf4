import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize('script', sorted(path.name for path in (ROOT/'examples').glob('*.py')))
def test_example_runs(script, tmp_path):
    subprocess.run([sys.executable, ROOT/'examples'/script], cwd=tmp_path, check=True,
                   capture_output=True)


def test_look_ahead_removes_the_lag_in_the_example(tmp_path):
    done = subprocess.run([sys.executable, ROOT/'examples'/'response_lag.py'], cwd=tmp_path,
                          check=True, capture_output=True, text=True)
    without, with_ = (float(line.split()[-1]) for line in done.stdout.splitlines())
    assert with_ < 0.02 < 0.4 < without
    assert (tmp_path/'response_lag.png').stat().st_size > 10_000

import pytest

from tests.kills import kill


@pytest.mark.slow
def test_kills_at_random_moments(tmp_path):
    """A few of those of ``python tests/kills.py``, which says what is looked at."""
    killer = kill(tmp_path, 20)
    assert killer.found == []

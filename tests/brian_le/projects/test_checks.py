"""Only the main program of a known Brian2 is changed; for the checks see test_exports.py."""

import pytest

from brian_le.projects.checks import add_checks


def test_a_main_program_of_another_kind_is_refused(tmp_path):
    (tmp_path/'main.cpp').write_text('int main() { return 0; }')
    with pytest.raises(RuntimeError, match='another main program'):
        add_checks(tmp_path, {})

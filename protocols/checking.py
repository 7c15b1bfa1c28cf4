"""What every protocol has to keep to, tried on one: for tests of protocols, ours and yours."""

import tempfile
from pathlib import Path

import numpy as np

from brian_le.protocols.finding import get_protocol
from brian_le.protocols.parameters import Parameter
from brian_le.protocols.runs.finite import check_finite
from brian_le.protocols.runs.results import Result, ResultFolder
from brian_le.protocols.runs.running import Run

__all__ = ['check_protocol']


def check_protocol(protocol, seed=1, device='numpy', **parameters):
    """Run a protocol in several ways that have to give the same, and look at what it says.

    Parameters
    ----------
    protocol : type or str
        The class, or where it is.
    seed : int
        Seed of the runs, and with 1 added of another one.
    device : {'numpy', 'cython', 'cpp_standalone'}
        What simulates.
    **parameters
        As for `brian_le.protocols.run`; such that a run takes seconds.

    Raises
    ------
    AssertionError
        With what is not as it has to be.
    ValueError
        For parameters that the protocol does not take.

    Examples
    --------
    >>> from brian_le.protocols import check_protocol
    >>> check_protocol('bars', epochs=2, t_pattern='0.3 ms', hidden=2)
    """
    protocol = get_protocol(protocol)
    _check_words(protocol)
    p = protocol.read(parameters)
    whole = _conducted(protocol(p, seed), device)
    check_finite(whole, protocol.unmeasured)
    _check_result(protocol, p, seed, whole)
    other = protocol(p, seed)
    other.room = 1
    _same(_conducted(other, device), whole, 'when one unit after the other is launched')
    _conducted(protocol(p, seed + 1), device)
    _same(_conducted(protocol(p, seed), device), whole, 'by a program that served another seed')
    _same(_continued(protocol, p, seed, device), whole, 'when it is continued from a checkpoint')
    _check_whole(protocol(p, seed), whole)


def _check_words(protocol):
    assert protocol.name, f'{protocol.__name__} has no name'
    assert protocol.summary, f"'{protocol.name}' has no summary"
    names = [parameter.name for parameter in protocol.parameters]
    assert len(set(names)) == len(names), f"'{protocol.name}' has two parameters of one name"
    for parameter in protocol.parameters:
        assert isinstance(parameter, Parameter), f'{parameter!r} is no Parameter'
        assert parameter.summary, f"'{parameter.name}' does not say what it is"


def _conducted(protocol, device):
    return {name: np.asarray(array) for name, array in Run(device).conduct(protocol).items()}


def _check_result(protocol, p, seed, arrays):
    result = Result(Path('result'), dict(protocol=protocol.name, parameters=vars(p), seed=seed),
                    arrays)
    for name, value in protocol.measures(result).items():
        assert np.ndim(value) == 0, f"measure '{name}' is {value!r}, and no number"
    for line in protocol.summarize(result):
        assert isinstance(line, str), f'{line!r} is no line of a summary'


def _same(found, expected, when):
    missing = found.keys() ^ expected.keys()
    assert not missing, f'other arrays {when}: {", ".join(sorted(missing))}'
    for name, array in expected.items():
        assert np.array_equal(found[name], array, equal_nan=array.dtype.kind == 'f'), (
            f"'{name}' is another one {when}")


class _Interruption(Exception):
    """After the first checkpoint."""


def _continued(protocol, p, seed, device):
    """The arrays of a run that was interrupted after its first checkpoint."""
    class Interrupted(ResultFolder):
        def checkpoint(self, arrays):
            super().checkpoint(arrays)
            raise _Interruption

    description = dict(protocol=protocol.name, parameters=vars(p), seed=seed, device=device)
    with tempfile.TemporaryDirectory() as place:
        for kind in (Interrupted, ResultFolder):
            folder = kind(Path(place)/'result')
            folder.check(description)
            try:
                arrays = Run(device, folder, description).conduct(protocol(p, seed))
            except _Interruption:
                pass
            finally:
                folder.release()
    return {name: np.asarray(array) for name, array in arrays.items()}


def _check_whole(protocol, expected):
    """The whole run in one launch, as an exported project does it, unless it is refused."""
    try:
        protocol.refuse_export()
    except ValueError:
        return
    from brian_le.programs import build_program

    end = build_program(protocol.compose_whole, 'numpy', precision=protocol.precision)(
        {}, protocol.exported_steps())
    end |= protocol.kept()
    found = protocol.result(end, protocol.rows(end))
    for name in found.keys() & expected.keys():
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-9, atol=1e-12, err_msg=(
            f"'{name}' is another one when the whole run is launched at once"))

"""Clocks of their own, for what circuits do less often than in every step."""

from brian2.core.clocks import Clock

__all__ = ['own_clock']


def own_clock(name, dt):
    """A clock that is named after the object it is for; None, as Brian2 has it, without a `dt`.

    Given ``dt=``, Brian2 numbers the clock if there is another circuit of that name in the process,
    and what one of them has stored could not be restored by the other.
    """
    return None if dt is None else Clock(dt, name=f'{name}_clock')

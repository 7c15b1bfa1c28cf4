"""Whole numbers of time steps."""

__all__ = ['steps_of']


def steps_of(p, time, what=None, such_as='0.01 or 0.005', fewest=1):
    """How many time steps a time (ms) has that no parameter of `p` but ``dt`` can change.

    Raises a ValueError for less than `fewest`, and for a number that is not whole.
    """
    n = time/p.dt
    if round(n) < fewest or abs(n - round(n)) > 1e-6:
        raise ValueError(f"'dt' is {p.dt:g} ms, which does not divide {what or f'{time:g} ms'}; "
                         f'give a value such as {such_as}')
    return round(n)

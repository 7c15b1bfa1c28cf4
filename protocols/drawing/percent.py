"""Errors in percent on a logarithmic axis."""

__all__ = ['percent_ticks']


def percent_ticks(axes):
    """Make the y axis logarithmic, with ticks at a few percentages."""
    axes.set_yscale('log')
    low, high = axes.get_ylim()
    ticks = [tick for tick in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if low <= tick <= high]
    axes.set_yticks(ticks, labels=[f'{tick:g}' for tick in ticks])
    axes.minorticks_off()

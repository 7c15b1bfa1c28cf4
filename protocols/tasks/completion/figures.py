"""Figures of the completion of digits."""

import numpy as np

from brian_le.protocols.plotting import BLACK, BLUE, GREEN, ORANGE, RED, new_figure
from brian_le.protocols.tasks.completion.task import HIDDEN, LABELS

__all__ = ['errors', 'pictures']

_LOOKS = {'mean': (BLACK, ':'), 'ridge': (ORANGE, '--'), 'nearest': (GREEN, '-.'),
          'le': (BLUE, '-')}
_SHOWN = 4  # digits for each kind of mask


def errors(result):
    """Errors on hidden pixels by epoch, beside those of what does not learn in epochs.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``errors``.
    """
    figure, (row,) = new_figure(columns=2, width=9, sharey=True)
    for k, (axes, words) in enumerate(zip(row, HIDDEN.values())):
        for name, label in LABELS.items():
            colour, line = _LOOKS[name]
            error = result.arrays[f'{name}.error'][k]
            if np.ndim(error):
                axes.plot(np.arange(len(error)), error, color=colour, label=label)
            else:
                axes.axhline(error, color=colour, linestyle=line, label=label)
        axes.set(xlabel='epoch', title=f'{words} hidden')
        axes.xaxis.get_major_locator().set_params(integer=True)
    row[0].set(ylabel='mean squared error of hidden pixels', ylim=(0, None))
    figure.legend(*row[0].get_legend_handles_labels(), loc='outside lower center', ncols=2)
    return {'errors': figure}


def pictures(result):
    """Digits, what is seen of them (the rest is red and hatched), and what is made of that.

    Parameters
    ----------
    result : Result

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``pictures``.
    """
    rows = ['digit', 'seen', 'le', 'ridge', 'nearest', 'mean']
    figure, axes = new_figure(len(rows), 2*_SHOWN, width=9, height=6.8)
    for column, ax in enumerate(axes.T):
        kind, sample = divmod(column, _SHOWN)
        truth, seen = result.arrays['truth'][sample], result.arrays['seen'][kind, sample]
        for name, one in zip(rows, ax):
            picture = (truth if name in ('digit', 'seen')
                       else result.arrays[f'{name}.pictures'][kind, sample])
            visible = seen if name == 'seen' else np.ones(64, dtype=bool)
            one.patch.set(facecolor=RED, edgecolor='white', hatch='////')
            one.imshow(np.ma.masked_array(picture, ~visible).reshape(8, 8), cmap='gray_r', vmin=0,
                       vmax=1)
            one.set(xticks=[], yticks=[])
            if column == 0:
                label = {'digit': 'digit', 'seen': 'seen'} | LABELS
                one.set_ylabel(label[name].replace(' ', '\n', 1), rotation=0, ha='right',
                               va='center')
    for kind, words in enumerate(HIDDEN.values()):
        axes[0, _SHOWN*kind].set_title(f'{words} hidden', loc='left')
    return {'pictures': figure}

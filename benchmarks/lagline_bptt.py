"""Where truncated backpropagation through time ends in lagline, if it may go on.

The student with windows of 4 ms of the protocol ``lagline`` makes 1000 steps of Adam in the time in
which online students make 400 000. From there it goes on, with a memory of Adam that begins anew
and steps of a fiftieth of the size, for the last part of a tenth of that. The table has every
hundredth window, the figure all of them.
"""

import os

os.environ['OPENBLAS_NUM_THREADS'] = '1'  # OpenBLAS reads it when NumPy is imported

import argparse
import csv
from pathlib import Path

import matplotlib
import numpy as np

from brian_le.protocols.baselines.windowed import Adam
from brian_le.protocols.plotting import BLACK, BLUE, STYLE, new_figure
from brian_le.protocols.tasks.lagline.setting import LEARNED, TEACHER
from brian_le.protocols.tasks.lagline.task import LagLine

STUDENT, SEED = 'bptt4', 12345
RUN = 1000  # windows of the protocol's own run
COLUMNS = [f'{kind}{k}' for kind, k in LEARNED]


class Student:
    """The student with windows of one period, and all losses and parameters since its beginning."""

    def __init__(self, windows):
        p = LagLine.read({'periods': windows, 'bptt_periods': windows})
        self.rate = 4*p.eta  # of a window of 4 ms
        self.chains = LagLine(p, SEED).backprop
        self.chains.students = {STUDENT: self.chains.students[STUDENT]}
        self.state, self.done = self.chains.beginning({}), 0

    def learn(self, windows):
        """Go on for some windows."""
        self.state = self.chains.chunk(self.state, self.done, windows)
        self.done += windows

    def begin_anew(self, part):
        """Forget the memory of Adam, and make steps that are a part of those of the protocol."""
        self.state = {key: values for key, values in self.state.items() if '.memory.' not in key}
        self.chains.students[STUDENT].optimiser = Adam(part*self.rate)

    def rows(self):
        """Windows, losses, and weights and time constants after them."""
        return np.column_stack([np.arange(1, self.done + 1), self.state[f'{STUDENT}_loss'], *(
            self.state[f'{STUDENT}_{name}'][1:] for name in COLUMNS)])[:self.done]


def carried_on(windows, last):
    """The rows of the student that makes smaller and smaller steps."""
    student = Student(RUN + windows + last)
    student.learn(RUN)
    for part, more in ((0.02, windows), (0.002, last)):
        student.begin_anew(part)
        student.learn(more)
    return student.rows()


def draw(rows):
    """Loss, and the largest relative distance of a parameter from the teacher's."""
    figure, (axes,) = new_figure(1, 2, 10, 4.2, sharex=True)
    wanted = np.array([TEACHER[kind][k] for kind, k in LEARNED])
    distance = np.abs(rows[:, 2:]/wanted - 1).max(axis=1)
    for ax, values, label in zip(axes, (rows[:, 1], distance), (
            'mean squared error of a window',
            'largest relative distance\nof a parameter from the teacher')):
        ax.plot(rows[:, 0], values, color=BLUE, label='BPTT, windows of 4 ms')
        ax.axvline(RUN, color=BLACK, linewidth=1, linestyle=':', label='end of the run')
        ax.set(xlabel='windows of 4 ms', ylabel=label, yscale='log')
    figure.legend(*axes[0].get_legend_handles_labels(), ncols=2, loc='outside upper left')
    return figure


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--out', type=Path, help='folder for a table and a figure')
    parser.add_argument('--windows', type=int, default=9000, help='after the run (default: 9000)')
    parser.add_argument('--last', type=int, default=1000,
                        help='then, with steps of a tenth (default: 1000)')
    options = parser.parse_args()
    rows = carried_on(options.windows, options.last)
    print(f'windows  {"  ".join(f"{name:>8}" for name in COLUMNS)}  mean squared error')
    for row in rows[[RUN - 1, *range(2*RUN - 1, len(rows), RUN)]]:
        print(f'{row[0]:7.0f}  {"  ".join(f"{x:8.5f}" for x in row[2:])}  {row[1]:.1e}')
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        with open(options.out/'lagline-bptt.csv', 'w', newline='', encoding='utf-8') as file:
            table = csv.writer(file, lineterminator='\n')
            table.writerow(['windows', 'loss', *COLUMNS])
            table.writerows([int(row[0]), *(f'{x:.6g}' for x in row[1:])] for row in rows[99::100])
        with matplotlib.rc_context(STYLE):
            draw(rows).savefig(options.out/'lagline-bptt.png')

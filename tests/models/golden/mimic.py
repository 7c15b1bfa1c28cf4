"""The recorded runs of the microcircuit that learns from a teacher."""

from types import SimpleNamespace

import numpy as np

from tests.models.golden import files as golden

#: Names of weights and potentials in results, and in the files.
NAMES = {'up0': 'W_up0', 'up1': 'W_up1', 'ip0': 'W_ip', 'pi0': 'W_pi', 'apical': 'apical',
         'output': 'top', 'inter': 'inter'}


def recording(name):
    """One file.

    Returns
    -------
    SimpleNamespace
        ``seed``; ``draws`` as of `brian_le.protocols.tasks.mimic.task.draw`, without the teacher's
        weights; ``targets``, ``teacher``; ``selfpred`` (in every step) and ``weights`` (while they
        do not change, in the validation of every epoch) by our names; ``error`` of every epoch,
        ``before`` and ``after`` training.
    """
    file = golden.load(name)
    weights = {(kind, k): file[f'init_W_{kind}_{k}'].astype(float) for kind, k in (
        ('up', 0), ('down', 0), ('pi', 0), ('ip', 0), ('up', 1))}
    order = np.hstack([file['train_order'], file['val_order']])
    draws = SimpleNamespace(weights=weights, inputs=file['r_in'].astype(float), order=order,
                            selfpred=file['selfpred_order'], evaluated=file['eval_order'][0])
    sampled = {ours: file[f'ref_{theirs}'].reshape(order.shape)[:, 6:]
               for ours, theirs in NAMES.items() if theirs.startswith('W')}
    return SimpleNamespace(
        seed=int(name.split('seed')[1].split('.')[0]), draws=draws,
        targets=file['u_tgt'].ravel(), teacher=file['w_tgts'].ravel(), weights=sampled,
        selfpred={ours: file[f'ref_sp_{theirs}'] for ours, theirs in NAMES.items()
                  if f'ref_sp_{theirs}' in file},
        error=file['ref_val'][:, 1], before=file['mse_before'][0], after=file['mse_after'])

"""Files of the format of recorded trajectories of GLE, made by the NumPy reference."""

import json

import numpy as np

from tests.models.golden.gle import GleFile

DIMS = [3, 5, 4, 2]

#: What parts of a name say.
_TAGS = {'outsoftplus': {'out_act': 'softplus'}, 'fixedtau': {'learn_tau': False},
         'insterr': {'prospective_errors': False}, 'gamma0': {'gamma': 0.0},
         # published code may leave out what it does not learn from, or write zeros
         'nograd': {'learn_tau': False}, 'zerograd': {'learn_tau': False},
         # what a file does not say is the default
         'few': dict.fromkeys(('out_act', 'gamma', 'lr', 'lr_tau', 'prospective_errors',
                               'learn_tau', 'beta', 'dt'))}

MADE = ['gle_sigmoid_b1', 'gle_softplus_b1', 'gle_tanh_b1_outsoftplus', 'gle_tanh_b1_fixedtau',
        'gle_tanh_b1_gamma0', 'gle_sigmoid_b4', 'gle_softplus_b4_outsoftplus',
        'gle_softplus_b4_insterr_gamma0', 'gle_sigmoid_b4_insterr_fixedtau',
        'gle_sigmoid_b4_outsoftplus_gamma0', 'gle_tanh_b4_fixedtau_nograd',
        'gle_softplus_b1_zerograd', 'gle_tanh_b1_few', 'gle_sigmoid_b7_insterr_outsoftplus']


def write(folder, name, n_steps=30):
    """Write one file of the list and give its path."""
    _, act, batch, *tags = name.split('_')
    batch, rng = int(batch[1:]), np.random.default_rng(len(name))
    p = {'act': act, 'out_act': 'linear', 'batch': batch, 'dims': DIMS, 'dt': 0.05, 'beta': 0.1,
         'gamma': 1.0, 'lr': 0.05, 'lr_tau': 0.1, 'prospective_errors': True, 'learn_tau': True}
    for tag in tags:
        p |= _TAGS[tag]
    p = {key: value for key, value in p.items() if value is not None}
    data = {'params_json': json.dumps(p), 'x': rng.uniform(-1, 1, (n_steps, batch, DIMS[0])),
            'target': rng.uniform(-1, 1, (n_steps, batch, DIMS[-1]))}
    for k, (pre, post) in enumerate(zip(DIMS, DIMS[1:])):
        data |= {f'init_W_{k}': rng.uniform(-0.5, 0.5, (post, pre)),
                 f'init_b_{k}': rng.uniform(-0.5, 0.5, post),
                 f'init_tau_m_{k}': rng.uniform(0.5, 2, post),
                 f'tau_r_{k}': rng.uniform(0.2, 1.5, post)}
    path = folder/f'{name}.npz'
    np.savez(path, **data)  # the settings, from which the rest follows
    file = GleFile(path)
    data |= file.named(file.reference())
    for key in [key for key in data if key.startswith('gradtau')]:
        if 'zerograd' in tags:
            data[key] = np.zeros_like(data[key])
        if 'nograd' in tags:
            del data[key]
    np.savez(path, **data, **{f'p_{key}': value for key, value in p.items()})
    return path

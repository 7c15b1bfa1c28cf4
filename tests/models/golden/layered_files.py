"""Files of the formats of recorded trajectories, made by the NumPy reference."""

import json

import numpy as np

from tests.models.golden.layered import layered_file

DIMS = [3, 5, 4, 2]

#: Settings by name; others are the defaults of the families.
MADE = {
    'le2a_tanh_b4': {},
    'le2a_sigmoid_b1': {},
    'le2a_sigmoid_b4': {},
    'le2a_tanh_b1_tauE10dt': {'tau_e': 1.0},
    'le2a_tanh_b1_betaoff': {'beta_off': 'two thirds'},
    'le2a_tanh_b1_gammaneg': {'gamma': -1.0},
    'le2b_sigmoid_rate_b1': {},
    'le2b_tanh_voltage_b1': {},
    'le2b_hardsig_voltage_b4': {},
    'le2b_tanh_rate_b1_tau8m10prosp': {'tau': 8.0, 'prosp_rate_errors': True},
    'le2b_tanh_rate_b1_tau0': {'tau': 0.0},
    'le2b_sigmoid_rate_b4_FA': {'feedback_alignment': True},
    'le2b_tanh_rate_b1_filt2': {'tau_s': 1.0, 'forward_filter': True, 'target_lpf': True,
                                'backward_filter': True},
    'le2b_tanh_rate_b1_eval200': {'eval_from': 'two thirds'},
    # filters without a time constant are none; settings of the published code that are off
    'le2b_tanh_rate_b1_off': {'tau_s': 0.0, 'forward_filter': True, 'target_lpf': True,
                              'noise_width': 0.0, 'adapt_tau': False},
    # what a file does not say is the default
    'le2b_tanh_rate_b1_few': {'n_updates': None, 'tau_m': None, 'feedback_alignment': None},
    'le2a_tanh_b1_few': {'gamma': None, 'tau_e': None, 'lr_sgd': None},
}


def write(folder, name, n_steps=30):
    """Write one file of the table and give its path."""
    family, act, *more = name.split('_')
    batch = int(next(part[1:] for part in more if part[0] == 'b' and part[1:].isdigit()))
    rng = np.random.default_rng(len(name) + batch)
    late = np.arange(n_steps) >= 2*n_steps//3
    own = MADE[name]
    p = {'dt': 0.1, 'tau': 10.0, 'beta': 0.1, 'act': act, 'batch': batch, 'dims': DIMS, **(
        {'tau_e': 0.0, 'lr_sgd': 0.05, 'gamma': 1.0} if family == 'le2a' else
        {'tau_m': 10.0, 'tau_s': 0.0, 'learning_rate': 1.0, 'lr_multiplier': 1.0, 'n_updates': 10,
         'out_act': 'linear', 'target_type': more[0], 'lr_factors': [1, 0.2, 0.1],
         'prosp_rate_errors': False, 'forward_filter': False, 'backward_filter': False,
         'target_lpf': False, 'feedback_alignment': False, 'eff_lr': [0.1, 0.02, 0.01]}), **own}
    p = {key: value for key, value in p.items() if value is not None}
    data = {'params_json': json.dumps(p), 'x': _draw(rng, n_steps, batch, DIMS[0]),
            'target': _draw(rng, n_steps, batch, DIMS[-1])}
    if family == 'le2a':
        data['beta_t'] = np.where(late & ('beta_off' in own), 0.0, 0.1)
    else:
        data['train_on'] = ~late | ('eval_from' not in own)
    for k, (pre, post) in enumerate(zip(DIMS, DIMS[1:])):
        shape = (post, pre) if family == 'le2a' else (pre, post)
        data |= {f'init_W_{k}': _draw(rng, *shape), f'init_b_{k}': _draw(rng, post)}
        if p.get('feedback_alignment'):
            data[f'feedback_W_{k}'] = _draw(rng, *shape)
    path = folder/f'{name}.npz'
    np.savez(path, **data)  # the settings, from which the rest follows
    file = layered_file(path)
    data |= file.named(file.reference())
    for key in [key for key in data if key.startswith('rho_deriv')]:
        if key.endswith('_2'):  # the same for all samples
            data[key] = data[key][:, :1]
        if key.endswith('_2') or act == 'hardsig':
            data[key] = data[key].astype(np.float32)
    if 'eval_from' in own:  # the published code keeps the last target
        data['target_used'][late] = data['target_used'][~late][-1]
    np.savez(path, **data, **{f'p_{key}': value for key, value in p.items()})
    return path


def _draw(rng, *shape):
    """Numbers that single precision holds too."""
    return np.round(rng.uniform(-1, 1, shape)*2**12)/2**12

"""Recorded trajectories of Generalized Latent Equilibrium, and the networks that repeat them."""

import json

import numpy as np
from brian2 import ms

from brian_le.models import Dense
from tests.models.gle_cases import Shown
from tests.models.golden.files import load
from tests.models.golden.layered import ACTIVATIONS

_DEFAULTS = {'act': 'tanh', 'out_act': 'linear', 'batch': 1, 'dims': None, 'dt': 0.05, 'beta': 0.1,
             'gamma': 1.0, 'lr': 0.05, 'lr_tau': 0.1, 'prospective_errors': True,
             'learn_tau': True}
_STATES = {'u': 'u', 'v': 'v', 'r': 'r', 'r_prime': 'slope', 'prosp_u': 'u_prosp',
           'prosp_v': 'err'}
_SETTINGS = ('params_json', 'x', 'target')


class GleFile(Shown):
    """The settings and trajectories of one ``gle_*`` file."""

    def __init__(self, name):
        self.data = data = load(name)
        p = json.loads(str(data['params_json']))
        unknown = set(p) - set(_DEFAULTS)
        if unknown:
            raise NotImplementedError(f'{name} records settings that no network has: {unknown}')
        p = self.parameters = _DEFAULTS | p
        layers = [Dense(n, tau_m=data[f'init_tau_m_{k}']*ms, tau_r=data[f'tau_r_{k}']*ms)
                  for k, n in enumerate(p['dims'][1:])]
        super().__init__(
            p['dims'][0], layers,
            {(kind, k): data[f'init_{letter}_{k}'] for k in range(len(layers))
             for kind, letter in (('forward', 'W'), ('bias', 'b'))},
            data['x'], data['target'], dt=p['dt'], activation=ACTIVATIONS[p['act']],
            output_activation=ACTIVATIONS[p['out_act']], beta=p['beta'], gamma=p['gamma'],
            errors='prospective' if p['prospective_errors'] else 'instantaneous',
            eta=p['lr']/p['dt'], eta_tau_m=p['lr_tau']/p['dt'] if p['learn_tau'] else None)

    def named(self, found):
        """What a simulation or the reference finds, by the names of the file."""
        p, before, names = self.parameters, self.before, {}
        for k in range(self.n_layers):
            names |= {f'{name}_{k}': found[state, k] for name, state in _STATES.items()
                      if (state, k) in found}
            err, u, W = (found[what, k] for what in ('err', 'u', 'forward'))
            names.setdefault(f'v_{k}', err)  # without error neurons
            u_dot = (u - before(u, 0))/self.dt
            read = self.x if k == 0 else before(found['r', k - 1], 0)
            constant = np.broadcast_to(self.tau_m[k], (len(u), len(self.tau_m[k])))
            names |= {
                f'W_{k}': W, f'b_{k}': found['bias', k],
                f'tau_m_{k}': found.get(('tau_m', k), constant),
                f'e_bottom_{k}': np.einsum('tbj,tji->tbi', err,
                                           before(W, self.weights['forward', k])),
                f'gradW_{k}': -np.einsum('tbj,tbi->tji', err, read)/err.shape[1],
                f'gradb_{k}': -err.mean(axis=1), f'gradtau_{k}': (err*u_dot).mean(axis=1)}
        for k in range(self.n_layers):
            slope, r = (before(names[f'{name}_{k}'], 0) for name in ('r_prime', 'r'))
            above = (p['beta']*(self.targets - r) if k == self.n_layers - 1
                     else before(names[f'e_bottom_{k + 1}'], 0))
            names[f'inst_e_{k}'] = slope*above
        names['output'] = before(names[f'r_{self.n_layers - 1}'], 0)
        return names

    @staticmethod
    def before(values, first):
        """The values of the step before."""
        return np.concatenate([np.broadcast_to(first, values[:1].shape), values[:-1]])

    def trajectories(self):
        """The recorded arrays by name, without those that say nothing."""
        # without learning, the gradients of time constants are not always computed
        return {key: values for key, values in self.data.items()
                if not key.startswith(('p_', 'init_', 'tau_r_')) and key not in _SETTINGS
                and not (key.startswith('gradtau') and not self.parameters['learn_tau']
                         and not np.nan_to_num(values).any())}

    def compare(self, found):
        """Compare all recorded arrays with what a simulation or the reference finds."""
        names = self.named(found)
        for key, expected in self.trajectories().items():
            # a difference of potentials is divided by the time step
            atol = 1e-12/min(1, self.dt) if key.startswith('gradtau') else 1e-12
            rtol = 1e-7 if expected.dtype == np.float32 else 0
            shape = names[key].shape
            assert expected.shape in (shape, (shape[0], 1, *shape[2:])), key
            np.testing.assert_allclose(names[key], np.broadcast_to(expected, shape), rtol=rtol,
                                       atol=atol, err_msg=key)

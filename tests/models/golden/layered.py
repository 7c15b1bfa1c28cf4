"""Recorded trajectories of layered networks, and the networks that repeat them."""

import json

import numpy as np

from brian_le.models import Dense
from tests.models.golden.files import load
from tests.models.layered.cases import Shown

ACTIVATIONS = {'tanh': 'tanh', 'sigmoid': 'logistic', 'hardsig': 'hard_sigmoid',
               'softplus': 'softplus', 'linear': 'linear'}


class LayeredFile(Shown):
    """The settings and trajectories of one file; what the two families have in common."""

    #: Settings and their values in files that do not record them.
    defaults = {}
    #: Beginnings of settings whose effect is recorded step by step.
    recorded = ()

    def __init__(self, name):
        self.data = load(name)
        p = json.loads(str(self.data['params_json']))
        unknown = {key: value for key, value in p.items() if value and key not in self.defaults
                   and not key.startswith(self.recorded)}
        if unknown:
            raise NotImplementedError(f'{name} records settings that no network has: {unknown}')
        p = self.parameters = {**self.defaults, **p}
        self.n_layers = len(p['dims']) - 1
        super().__init__(p['dims'][0], [Dense(n) for n in p['dims'][1:]], self.initial_weights(),
                         self.data['x'], self.data['target'], dt=p['dt'], **self.schedule(),
                         **self.network_options())

    def compare(self, found):
        """Compare all recorded arrays with what a simulation or the reference finds."""
        names = self.named(found)
        for key, expected in self.data.items():
            if key.startswith(('p_', 'init_', 'feedback_', 'params_json')) or key in self.settings:
                continue
            used = self.data['train_on'] if key == 'target_used' else slice(None)
            # a difference of potentials is divided by the time step
            atol = 1e-12/min(1, self.dt) if key.startswith('Vdot') else 1e-12
            rtol = 1e-7 if expected.dtype == np.float32 else 0
            shape = names[key].shape
            assert expected.shape in (shape, (shape[0], 1, *shape[2:])), key
            np.testing.assert_allclose(names[key][used],
                                       np.broadcast_to(expected, shape)[used], rtol=rtol,
                                       atol=atol, err_msg=key)


class InputSideFile(LayeredFile):
    """A ``le2a_*`` file: rates at the input of synapses, the error of the outputs acts at once."""

    defaults = {'tau': 10.0, 'dt': 0.1, 'tau_e': 0.0, 'beta': 0.1, 'lr_sgd': 0.05, 'gamma': 1.0,
                'act': 'tanh', 'batch': 1, 'dims': None}
    recorded = ('beta',)
    settings = ('x', 'target', 'beta_t')

    def initial_weights(self):
        return {(kind, k): self.data[f'init_{letter}_{k}'] for k in range(self.n_layers)
                for kind, letter in (('forward', 'W'), ('bias', 'b'))}

    def network_options(self):
        p = self.parameters
        # its errors point away from the target, and its weights follow minus their gradient
        return dict(activation=ACTIVATIONS[p['act']], tau_m=p['tau'], tau_err=p['tau_e'], beta=1.0,
                    gamma=-p['gamma'], eta=p['lr_sgd']/p['dt'], rate_at='input')

    def schedule(self):
        return {'nudged': self.data['beta_t']}

    def named(self, found):
        """What a simulation finds, by the names of the file."""
        names, before = {}, self.before
        for k in range(self.n_layers):
            layer = {v: found['layer', k, v] for v in ('u', 'u_prosp', 'r', 'err_sent')}
            names |= {f'u_{k}': layer['u'], f'u_breve_{k}': layer['u_prosp'],
                      f'e_{k}': -layer['err_sent'], f'W_{k}': found['forward', k, 'w'],
                      f'b_{k}': found['bias', k, 'bias'],
                      f'gradb_{k}': -layer['err_sent'].mean(axis=1)}
            if k > 0:
                names[f'e_bottom_{k}'] = -found['layer', k - 1, 'err']
                names[f'r_bottom_{k}'] = found['layer', k - 1, 'r_sent']
        e, W = names['e_0'], before(names['W_0'], self.data['init_W_0'])
        names['r_bottom_0'] = found['inputs', 0, 'r']
        down, filtered = np.einsum('tbj,tji->tbi', e, W), []
        tau_e = self.parameters['tau_e']
        for step in down:  # the network has no use for errors of its inputs
            last = filtered[-1] if filtered else np.zeros_like(step)
            filtered.append(last + self.dt/tau_e*(step - last) if tau_e else step)
        names['e_bottom_0'] = np.array(filtered)
        for k in range(self.n_layers):
            names[f'gradW_{k}'] = np.einsum('tbj,tbi->tji', names[f'e_{k}'],
                                            names[f'r_bottom_{k}'])/e.shape[1]
        names['output'] = before(names[f'u_breve_{self.n_layers - 1}'], 0)
        return names

    @staticmethod
    def before(values, first):
        """The values of the step before."""
        return np.concatenate([np.broadcast_to(first, values[:1].shape), values[:-1]])


class OutputSideFile(LayeredFile):
    """A ``le2b_*`` file: rates at the output of neurons, errors act in the next step."""

    defaults = {'dt': 0.1, 'tau': 10.0, 'tau_m': 10.0, 'tau_s': 0.0, 'beta': 0.1,
                'learning_rate': 1.0, 'lr_multiplier': 1.0, 'n_updates': 10, 'act': 'tanh',
                'out_act': 'linear', 'batch': 1, 'dims': None, 'target_type': 'rate',
                'lr_factors': (1, 0.2, 0.1), 'prosp_rate_errors': False, 'forward_filter': False,
                'backward_filter': False, 'target_lpf': False, 'feedback_alignment': False,
                'eff_lr': None}
    recorded = ('eval', 'train')
    settings = ('x', 'target', 'train_on')

    def initial_weights(self):
        weights = {}
        for k in range(self.n_layers):
            weights['forward', k] = self.data[f'init_W_{k}'].T
            weights['bias', k] = self.data[f'init_b_{k}']
            if self.parameters['feedback_alignment'] and k > 0:
                weights['feedback', k] = self.data[f'feedback_W_{k}'].T
        return weights

    def network_options(self):
        p = self.parameters
        tau_s = {key: p['tau_s']*bool(p[key])
                 for key in ('forward_filter', 'backward_filter', 'target_lpf')}
        rates = p['eff_lr'] or [p['learning_rate']*p['lr_multiplier']/p['n_updates']*factor
                                for factor in p['lr_factors']]
        return dict(
            activation=ACTIVATIONS[p['act']], output_activation=ACTIVATIONS[p['out_act']],
            target=p['target_type'], beta=p['beta'], eta=[rate/p['dt'] for rate in rates],
            tau_m=p['tau_m'], tau_r=p['tau'],
            feedback='random' if p['feedback_alignment'] else 'transposed',
            errors_from='tau_r' if p['prosp_rate_errors'] else 'tau_m',
            tau_s=tau_s['forward_filter'], tau_err=tau_s['backward_filter'],
            tau_target=self.n_layers*tau_s['target_lpf'])

    def schedule(self):
        on = self.data['train_on'].astype(float)
        return {'nudged': on, 'learning': on}

    def named(self, found):
        """What a simulation finds, by the names of the file."""
        names = {'target_used': found['target', 0, 'target'],
                 'rho_input_0': found['inputs', 0, 'r']}
        for k in range(self.n_layers):
            layer = {v: found['layer', k, v] for v in
                     ('u', 'u_prosp', 'v_in', 'b', 'r', 'slope', 'err', 'r_sent')}
            u_before = np.concatenate([np.zeros_like(layer['u'][:1]), layer['u'][:-1]])
            names |= {f'V_{k}': layer['u'], f'Vdot_{k}': (layer['u'] - u_before)/self.dt,
                      f'prospV_{k}': layer['u_prosp'], f'basal_{k}': layer['v_in'] + layer['b'],
                      f'rho_{k}': layer['r'], f'rho_deriv_{k}': layer['slope'],
                      f'err_{k}': layer['err'], f'W_{k}': found['forward', k, 'w'].swapaxes(1, 2),
                      f'b_{k}': found['bias', k, 'bias']}
            if k > 0:
                names[f'rho_input_{k}'] = found['layer', k - 1, 'r_sent']
        return names


KINDS = {'le2a': InputSideFile, 'le2b': OutputSideFile}


def layered_file(name):
    """The file of this name or path."""
    return KINDS[str(name).rpartition('/')[2].split('_')[0]](name)

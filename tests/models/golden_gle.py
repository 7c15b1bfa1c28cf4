"""Recorded trajectories of Generalized Latent Equilibrium, and the networks that repeat them."""

import json

import numpy as np
from brian2 import StateMonitor, TimedArray, defaultclock, ms, second

from brian_le import SGD
from brian_le.models import Dense, GLENetwork
from tests.models.golden import load
from tests.models.golden_layered import ACTIVATIONS
from tests.reference_gle import gle

_DEFAULTS = {'act': 'tanh', 'out_act': 'linear', 'batch': 1, 'dims': None, 'dt': 0.05, 'beta': 0.1,
             'gamma': 1.0, 'lr': 0.05, 'lr_tau': 0.1, 'prospective_errors': True,
             'learn_tau': True}
_STATES = {'u': 'u', 'v': 'v', 'r': 'r', 'r_prime': 'slope', 'prosp_u': 'u_prosp',
           'prosp_v': 'err'}


class GleFile:
    """The settings and trajectories of one ``gle_*`` file."""

    def __init__(self, name):
        self.data = data = load(name)
        p = json.loads(str(data['params_json']))
        unknown = set(p) - set(_DEFAULTS)
        if unknown:
            raise NotImplementedError(f'{name} records settings that no network has: {unknown}')
        p = self.parameters = _DEFAULTS | p
        self.dims, self.dt = p['dims'], p['dt']
        self.n_layers = len(self.dims) - 1
        self.weights = {(kind, k): data[f'init_{letter}_{k}'] for k in range(self.n_layers)
                        for kind, letter in (('forward', 'W'), ('bias', 'b'), ('tau_m', 'tau_m'))}
        self.tau_r = [data[f'tau_r_{k}'] for k in range(self.n_layers)]
        self.x, self.targets = data['x'], data['target']

    def reference(self):
        """The same in NumPy, see `tests.reference_gle`."""
        p = self.parameters
        hidden, output = ACTIVATIONS[p['act']], ACTIVATIONS[p['out_act']]
        return gle(self.weights, self.tau_r, self.x, self.targets, dt=self.dt,
                   activations=[hidden]*(self.n_layers - 1) + [output], beta=p['beta'],
                   gamma=p['gamma'], prospective=p['prospective_errors'],
                   rates={'forward': p['lr'], 'bias': p['lr'],
                          'tau_m': p['lr_tau']*p['learn_tau']})

    def compose(self, name):
        """The network of the file, recorded at every step; see `tests.running`."""
        p = self.parameters
        dt = defaultclock.dt = self.dt*ms
        net = GLENetwork(
            self.dims[0], [Dense(n, tau_m=self.weights['tau_m', k]*ms, tau_r=self.tau_r[k]*ms)
                           for k, n in enumerate(self.dims[1:])],
            replicas=self.x.shape[1], activation=ACTIVATIONS[p['act']],
            output_activation=ACTIVATIONS[p['out_act']], beta=p['beta'], gamma=p['gamma'],
            errors='prospective' if p['prospective_errors'] else 'instantaneous',
            eta=p['lr']/dt, optimiser=SGD(), name=name,
            eta_tau_m=p['lr_tau']*ms*ms/dt if p['learn_tau'] else None)
        net.weights.update({key: w for key, w in self.weights.items() if key[0] != 'tau_m'})
        for group, variable, values in ((net.inputs, 'r', self.x),
                                        (net.output, 'target', self.targets)):
            group.namespace['shown_at'] = TimedArray(values.reshape(len(values), -1), dt=dt)
            group.run_regularly(f'{variable} = shown_at(t, i)', when='groups', order=-2,
                                name=f'{group.name}_shown')
        monitors = {}
        for k, group in enumerate(net.neurons):
            states = [v for v in (*_STATES.values(), 'err_in', 'tau_m', 'r_sent')
                      if v in group.variables and v != 'err_in']
            monitors['layer', k] = StateMonitor(group, states, record=True, when='end',
                                                name=f'{name}_m_layer{k}')
        for kind, k in net.weights:
            n = int(np.prod(net.weights.shape(kind, k)))
            monitors[kind, k] = StateMonitor(
                net.projections[kind, k], {'forward': 'w', 'bias': 'bias'}.get(kind, 'tau'),
                record=np.arange(n), when='end', name=f'{name}_m_{kind}{k}')
        return ([net, list(monitors.values())], len(self.x)*dt, lambda: self._read(net, monitors))

    def _read(self, net, monitors):
        found = {}
        for (kind, k), monitor in monitors.items():
            for variable in monitor.record_variables:
                values = np.array(getattr(monitor, variable).T)
                if kind == 'layer':
                    values = values.reshape(len(values), net.replicas, -1)
                    values = values*(second/ms) if variable == 'tau_m' else values
                else:
                    view = net.projections[kind, k].matrix(variable)
                    values = np.array([view.to_shape(row) for row in values])
                    values = values*(second/ms) if variable == 'tau' else values
                    variable = kind
                found[variable, k] = values
        return found

    def named(self, found):
        """What a simulation or the reference finds, by the names of the file."""
        p, names = self.parameters, {}
        for k in range(self.n_layers):
            names |= {f'{name}_{k}': found[state, k] for name, state in _STATES.items()
                      if (state, k) in found}
            err = found['err', k]
            names.setdefault(f'v_{k}', err)  # without error neurons
            W = found['forward', k]
            tau = found.get(('tau_m', k))
            if tau.ndim == 3:  # constant time constants of all replicas
                tau = tau[:, 0]
            tau_before = self.before(tau, self.weights['tau_m', k])
            u_dot = (names[f'u_{k}'] - self.before(names[f'u_{k}'], 0))/self.dt
            read = self.x if k == 0 else self.before(found['r', k - 1], 0)
            names |= {
                f'W_{k}': W, f'b_{k}': found['bias', k], f'tau_m_{k}': tau,
                f'e_bottom_{k}': np.einsum('tbj,tji->tbi', err, self.before(
                    W, self.weights['forward', k])),
                f'gradW_{k}': -np.einsum('tbj,tbi->tji', err, read)/err.shape[1],
                f'gradb_{k}': -err.mean(axis=1), f'gradtau_{k}': (err*u_dot).mean(axis=1)}
        for k in range(self.n_layers):
            slope, r = (self.before(names[f'{name}_{k}'], 0) for name in ('r_prime', 'r'))
            above = (p['beta']*(self.targets - r) if k == self.n_layers - 1
                     else self.before(names[f'e_bottom_{k + 1}'], 0))
            names[f'inst_e_{k}'] = slope*above
        names['output'] = self.before(names[f'r_{self.n_layers - 1}'], 0)
        return names

    @staticmethod
    def before(values, first):
        """The values of the step before."""
        return np.concatenate([np.broadcast_to(first, values[:1].shape), values[:-1]])

    def compare(self, found):
        """Compare all recorded arrays with what a simulation or the reference finds."""
        names = self.named(found)
        for key, expected in self.data.items():
            if key.startswith(('p_', 'init_', 'params_json', 'tau_r_')) or key in ('x', 'target'):
                continue
            # a difference of potentials is divided by the time step
            atol = 1e-12/min(1, self.dt) if key.startswith('gradtau') else 1e-12
            if key.startswith('gradtau') and not self.parameters['learn_tau']:
                expected = np.where(expected == 0, names[key], expected)  # not always computed
            np.testing.assert_allclose(names[key], expected, rtol=0, atol=atol, err_msg=key)

"""Recorded trajectories of the papers' own code, and the circuits that repeat them."""

import json
import os
from pathlib import Path

import numpy as np
from brian2 import StateMonitor, defaultclock, ms

from brian_le.models import Microcircuit, Presentations, Readout
from tests.reference import microcircuit, soft_relu

FOLDER = Path(os.environ.get('BRIAN_LE_GOLDEN') or Path(__file__).parents[2]/'data')

#: Families of files by the prefix of their names.
FAMILIES = ('micro', 'bars', 'mimic', 'le2a', 'le2b', 'gle', 'lagline')

_KNOWN = {'dims', 'dt', 'gl', 'gb', 'ga', 'gd', 'gsom', 'tau_0', 'tau_w', 'noise', 't_pattern',
          'out_lag', 'learning_lag', 'reset_deltas', 'latent_eq', 'bias', 'init_weights', 'eta'}


def files(family):
    """Names of the files of a family."""
    return sorted(path.name for path in FOLDER.glob(f'{family}_*.npz'))


def load(name):
    with np.load(FOLDER/name) as data:
        return dict(data)


class MicroFile:
    """The settings and trajectories of one ``micro_*`` file."""

    def __init__(self, name):
        self.data = data = load(name)
        p = self.parameters = json.loads(str(data['params_json']))
        unknown = set(p) - _KNOWN
        without = ('noise', 'learning_lag', 'reset_deltas')
        if unknown or any(p[key] for key in without):
            raise NotImplementedError(f'{name} records settings that no circuit has: '
                                      f'{unknown or without}')
        # recorded in single precision, a trajectory is known to about 2e-5
        double = name.endswith('_f64.npz')
        self.tolerance, self.epsilon = (1e-12, 2.2e-16) if double else (2e-5, 1.2e-7)
        self.n_steps = int(data['n_steps_per_pattern'])
        self.prospective = bool(data['latent_eq'])
        self.bias = float(data['bias_val']) if data['bias_on'] else None
        nudged = data['nudging_on'].astype(bool)
        learning = nudged if data['val_len'] else np.ones_like(nudged)
        self.settings = dict(inputs=data['in_seq'], targets=data['target_seq'], nudged=nudged,
                             learning=learning)
        # The published code drives the interneurons' dendrites through g_b.
        self.conductances = dict(g_l=p['gl'], g_b=p['gb'], g_a=p['ga'], g_d=p['gb'],
                                 g_som=p['gsom'])
        n_hidden = len(data['dims']) - 2
        self.eta = {'eta_up': data['eta_up'], 'eta_ip': data['eta_ip'][:n_hidden],
                    'eta_pi': data['eta_pi'][:n_hidden]}
        self.w_max = float(data['w_max_hidden']), float(data['w_max_out'])
        self.weights = {(key.split('_')[2], int(key.split('_')[3])): value
                        for key, value in data.items() if key.startswith('init_W')}

    def compose(self, name):
        """The circuit of the file, recorded at every step; see `tests.running`."""
        p = self.parameters
        defaultclock.dt = p['dt']*ms
        shown = Presentations(**self.settings, duration=self.n_steps*p['dt']*ms,
                              tau_0=p['tau_0']*ms, name=f'{name}_shown')
        circuit = Microcircuit(
            self.data['dims'], shown, prospective=self.prospective, activation='soft_relu',
            bias=self.bias, w_max=self.w_max, name=name,
            **{key: value/ms for key, value in self.conductances.items()},
            **{key: value/ms for key, value in self.eta.items()})
        circuit.weights.update(self.weights)
        readout = Readout(shown, circuit.output, circuit.visible, name=f'{name}_readout')
        readout.group.lag = round(p['out_lag']/p['dt'])
        monitors = self._monitors(circuit, shown)
        return ([shown, circuit, readout, list(monitors.values())], shown.total_duration,
                lambda: self._read(monitors, readout))

    def _monitors(self, circuit, shown):
        look = ['u_prosp'] if self.prospective else []
        monitors = {('inputs', 0): StateMonitor(shown.inputs, 'r', record=True, when='end'),
                    ('schedule', 0): StateMonitor(shown.schedule, 'learning', record=True,
                                                  when='end'),
                    # what the outputs read in a step: before the step, where the target comes
                    # one step late
                    ('target', 0): StateMonitor(circuit.target, ['u_sent', 'on'], record=True,
                                                when='start' if self.prospective else 'end')}
        for k, group in enumerate(circuit.pyramidal):
            apical = ['v_api'] if k < len(circuit.hidden) else []
            monitors['pyr', k] = StateMonitor(group, ['u', 'v_bas', *look, *apical], record=True,
                                              when='end')
        for k, group in enumerate(circuit.inter):
            monitors['inn', k] = StateMonitor(group, ['u', 'v_den', *look], record=True,
                                              when='end')
        for key, projection in circuit.projections.items():
            if 'w' in projection.variables:
                n = len(projection.source)*len(projection.target)
                monitors[key] = StateMonitor(projection, 'w', record=np.arange(n), when='end')
        return monitors

    def _read(self, monitors, readout):
        names = {'u': 'soma', 'u_prosp': 'forw', 'v_bas': 'basal', 'v_api': 'apical',
                 'v_den': 'dendrite'}
        found = {'r_in': np.array(monitors['inputs', 0].r.T), 'out_seq': readout.means(),
                 'learning_on': monitors['schedule', 0].learning[0] > 0}
        nudged = monitors['target', 0].on[0] > 0
        found['nudged'] = nudged
        found['u_trgt'] = np.where(nudged[:, None], monitors['target', 0].u_sent.T, np.nan)
        for (kind, k), monitor in monitors.items():
            if kind in ('pyr', 'inn'):
                found |= {f'{kind}_{names[variable]}_{k}': np.array(getattr(monitor, variable).T)
                          for variable in monitor.record_variables}
        for kind, k in [key for key in monitors if f'init_W_{key[0]}_{key[1]}' in self.data]:
            parts = [np.array(monitors[key].w.T) for key in ((kind, k), (f'{kind}_bias', k))
                     if key in monitors]
            post = self.data[f'init_W_{kind}_{k}'].shape[0]
            found[f'W_{kind}_{k}'] = np.concatenate(
                [part.reshape(len(part), -1, post).swapaxes(1, 2) for part in parts], axis=2)
        return found

    def reference(self, disturbance=0.0):
        """The plain NumPy version of the same trajectories.

        With a disturbance every initial weight is changed by that fraction of itself.
        """
        weights = {key: w*(1 + disturbance) for key, w in self.weights.items()}
        p = self.parameters
        return microcircuit(weights, **self.settings, n_steps=self.n_steps,
                            prospective=self.prospective, dt=p['dt'], tau_0=p['tau_0'],
                            bias=self.bias, w_max=self.w_max, phi=soft_relu,
                            **self.conductances, **self.eta)

    def expected(self):
        """What the file records and a simulation shows, with intermediates left out."""
        left_out = ('udot', 'steadystate', 'Delta')
        prefixes = ('pyr_', 'inn_', 'W_', 'r_in', 'u_trgt', 'nudged', 'learning_on', 'out_seq')
        return {key: value for key, value in self.data.items()
                if key.startswith(prefixes) and key != 'nudging_on'
                and not any(part in key for part in left_out)
                and (self.prospective or 'forw' not in key)}

    def derived(self, found):
        """The recorded intermediates, from what a simulation shows."""
        c, dt = self.conductances, self.parameters['dt']
        phi = soft_relu
        seen = 'forw' if self.prospective else 'soma'
        g_l, g_b, g_a, g_d, g_som = (c[g] for g in ('g_l', 'g_b', 'g_a', 'g_d', 'g_som'))
        n_hidden = len(self.data['dims']) - 2
        derived = {}
        leaks = {**{('pyr', k): g_l + g_b + g_a for k in range(n_hidden)},
                 **{('inn', k): g_l + g_d + g_som for k in range(n_hidden)},
                 ('pyr', n_hidden): g_l + g_b + g_som}
        for (kind, k), leak in leaks.items():
            u = found[f'{kind}_soma_{k}']
            before = np.vstack([np.zeros(u.shape[1]), u[:-1]])
            derived[f'{kind}_udot_{k}'] = (u - before)/dt
            derived[f'{kind}_steadystate_{k}'] = before + (u - before)/dt/leak

        def rate_before(kind, k):
            u = found[f'{kind}_{seen}_{k}']
            r = phi(np.vstack([np.zeros(u.shape[1]), u[:-1]]))
            if kind == 'pyr' and self.bias is not None:
                r = np.hstack([r, np.full((len(r), 1), self.bias)])
            return r

        def outer(a, b):
            return a[:, :, None]*b[:, None, :]

        r_in = found['r_in']
        if self.bias is not None:
            r_in = np.hstack([r_in, np.full((len(r_in), 1), self.bias)])
        for k in range(n_hidden + 1):
            g = g_l + g_b + (g_a if k < n_hidden else 0)
            error = phi(found[f'pyr_{seen}_{k}']) - phi(g_b/g*found[f'pyr_basal_{k}'])
            derived[f'Delta_up_{k}'] = outer(error, r_in if k == 0 else rate_before('pyr', k - 1))
        for k in range(n_hidden):
            error = phi(found[f'inn_{seen}_{k}']) - phi(g_d/(g_l + g_d)
                                                        * found[f'inn_dendrite_{k}'])
            derived[f'Delta_ip_{k}'] = outer(error, rate_before('pyr', k))
            derived[f'Delta_pi_{k}'] = outer(-found[f'pyr_apical_{k}'], rate_before('inn', k))
        learning = found['learning_on']
        return {key: value[learning] if key.startswith('Delta') else value
                for key, value in derived.items()}, learning

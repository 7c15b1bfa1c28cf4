"""Layered networks in plain NumPy, written from the published description of a step."""

from itertools import product

import numpy as np
from brian2 import ms

from brian_le.models import AveragePool, Conv, Dense, Flatten, MaxPool
from tests.brian_le.synapses.geometry import ByScipy, Geometry


def _logistic(x):
    return 1/(1 + np.exp(-x))


#: phi and phi' by name.
PHI = {
    'tanh': (np.tanh, lambda x: 1 - np.tanh(x)**2),
    'logistic': (_logistic, lambda x: _logistic(x)*(1 - _logistic(x))),
    'hard_sigmoid': (lambda x: np.clip(x, 0, 1), lambda x: 1.0*((x >= 0) & (x <= 1))),
    'softplus': (lambda x: np.logaddexp(0, x), _logistic),
    'relu': (lambda x: np.maximum(x, 0), lambda x: 1.0*(x > 0)),
    'linear': (lambda x: x, np.ones_like),
}


class DenseLink:
    """All to all; rates and errors are [replica, neuron]."""

    def __init__(self, shape, layer):
        self.shape = (layer.n,)

    def up(self, w, r):
        return r @ w.T

    def down(self, w, e):
        return e @ w

    def gradient(self, e, r):
        return np.einsum('bj,bi->ji', e, r)/len(r)

    def spread(self, bias):
        return bias

    def bias_gradient(self, e):
        return e.mean(axis=0)


class ConvLink:
    """A kernel on a plane, whose bias belongs to the channel."""

    def __init__(self, shape, layer):
        sizes = [(n,)*(len(shape) - 1) if np.ndim(n) == 0 else n
                 for n in (layer.kernel, layer.stride, layer.padding)]
        self.before, self.sizes, self.channels = shape, sizes, layer.channels
        self.shape = self.at(1).g.output_shape

    def at(self, replicas):
        return ByScipy(Geometry(self.before, self.channels, *self.sizes, replicas))

    def up(self, w, r):
        return self.at(len(r)).to_post(w, r.reshape(-1, *self.before)).reshape(len(r), -1)

    def down(self, w, e):
        return self.at(len(e)).to_pre(w, e.reshape(-1, *self.shape)).reshape(len(e), -1)

    def gradient(self, e, r):
        return self.at(len(r)).to_kernel(r.reshape(-1, *self.before), e.reshape(-1, *self.shape))

    def spread(self, bias):
        return np.broadcast_to(bias, self.shape).ravel()

    def bias_gradient(self, e):
        return e.reshape(len(e), -1, self.channels).sum(axis=1).mean(axis=0)


class PoolLink:
    """Windows; errors go back to the winner, or in equal parts to all, of what came up last."""

    def __init__(self, shape, layer):
        window, stride = layer.window, layer.stride
        window = (window,)*(len(shape) - 1) if np.ndim(window) == 0 else window
        stride = window if stride is None else stride
        stride = (stride,)*(len(shape) - 1) if np.ndim(stride) == 0 else stride
        self.before, self.takes_largest = shape, isinstance(layer, MaxPool)
        counts = [(n - w)//s + 1 for n, w, s in zip(shape, window, stride)]
        self.shape = (*counts, shape[-1])
        index = np.arange(np.prod(shape)).reshape(shape)
        self.windows = []  # for each neuron of the pool the neurons that it sees, in order
        for *at, channel in product(*map(range, self.shape)):
            seen = tuple(slice(a*s, a*s + w) for a, s, w in zip(at, stride, window))
            self.windows.append(index[(*seen, channel)].ravel())

    def up(self, r):
        self.shares = np.zeros((len(r), len(self.windows), r.shape[1]))
        for n, seen in enumerate(self.windows):
            if self.takes_largest:
                winner = seen[np.argmax(r[:, seen], axis=1)]
                self.shares[np.arange(len(r)), n, winner] = 1
            else:
                self.shares[:, n, seen] = 1/len(seen)
        return np.einsum('bji,bi->bj', self.shares, r)

    def down(self, e):
        return np.einsum('bji,bj->bi', self.shares, e)


_LINKS = {Dense: DenseLink, Conv: ConvLink, MaxPool: PoolLink, AveragePool: PoolLink}


def links_of(input_shape, layers):
    """For each layer with weights: the pools below it, and its link."""
    shape = tuple(input_shape) if np.ndim(input_shape) else (input_shape,)
    found, pools = [], []
    for layer in layers:
        if isinstance(layer, Flatten):
            shape = (int(np.prod(shape)),)
            continue
        link = _LINKS[type(layer)](shape, layer)
        shape = link.shape
        if isinstance(layer, (MaxPool, AveragePool)):
            pools.append(link)
        else:
            found.append((pools, link))
            pools = []
    return found


def forward(input_shape, layers, weights, x, activation='tanh', output_activation='linear'):
    """The rates of the outputs of a network that has settled, without nudging."""
    r, links = x, links_of(input_shape, layers)
    names = _activations(layers, activation, output_activation)
    for k, (pools, link) in enumerate(links):
        for pool in pools:
            r = pool.up(r)
        r = PHI[names[k]][0](link.up(weights['forward', k],
                                     r) + link.spread(weights.get(('bias', k), 0)))
    return r


def layered(input_shape, layers, weights, x, targets, nudged, learning, *, dt, tau_m=10.0,
            tau_r=None, activation='tanh', output_activation='linear', loss='mse', target='rate',
            beta=0.1, gamma=1.0, eta=0.0, bias=True, feedback='transposed', decay=0.0,
            rate_at='output', errors_from='tau_m', tau_s=0.0, tau_err=0.0, tau_target=0.0):
    """All steps of a layered network.

    `x` and `targets` are [step, replica, neuron], `nudged` and `learning` have one number per
    step; options are those of `LayeredNetwork`, with times in ms. Gives arrays over time by (kind,
    layer, variable): states [step, replica, neuron], weights in their own shape.
    """
    W = {key: np.array(w, dtype=float) for key, w in weights.items()}
    links, B = links_of(input_shape, layers), x.shape[1]
    L = len(links) - 1
    eta = np.broadcast_to(eta, L + 1)
    sizes = [int(np.prod(link.shape)) for _, link in links]
    own = [layer for layer in layers if layer.has_weights]
    names = _activations(layers, activation, output_activation)
    phi, slope_of = zip(*(PHI[name] for name in names))
    tau_ms = [_in_ms(layer.tau_m, tau_m) for layer in own]
    tau_rs = [_in_ms(layer.tau_r, own_m if tau_r is None else tau_r)
              for layer, own_m in zip(own, tau_ms)]

    u, r, slope, err, u_prosp = ([np.zeros((B, n)) for n in sizes] for _ in range(5))
    if rate_at == 'input':
        r, slope = ([f[k](np.zeros((B, n))) for k, n in enumerate(sizes)]
                    for f in (phi, slope_of))
    goal = np.zeros((B, sizes[-1]))
    rows = []

    def target_error(on):
        if loss == 'cross_entropy':
            share = np.exp(r[L] - r[L].max(axis=1, keepdims=True))
            return beta*on*(goal - share/share.sum(axis=1, keepdims=True))
        if target == 'voltage':
            return beta*on*(goal - u_prosp[L])
        return beta*on*slope[L]*(goal - r[L])

    def filtered_goal(t):
        return goal + dt/tau_target*(targets[t] - goal) if tau_target else targets[t]

    for t in range(len(x)):
        if rate_at == 'output' or not tau_target:
            goal = filtered_goal(t)
        new_top = target_error(nudged[t])
        # errors that act on the membranes in this step
        acting = [*err[:L], new_top] if rate_at == 'input' else err
        row = {('inputs', 0, 'r'): x[t]}
        seen, drive, new_u, new_prosp = [], [], [], []
        for k, (pools, link) in enumerate(links):
            rates = x[t] if k == 0 else r[k - 1]
            for pool in pools:
                rates = pool.up(rates)
            seen.append(rates)
            v_in = link.up(W['forward', k], rates)
            b = link.spread(W['bias', k]) if bias else 0
            du = (v_in + b + gamma*acting[k] - u[k])/tau_ms[k]
            drive.append(v_in + b)
            new_prosp.append(u[k] + tau_rs[k]*du)
            new_u.append(u[k] + dt*du)
            row |= {('layer', k, 'v_in'): v_in, ('layer', k, 'b'): np.broadcast_to(b, u[k].shape),
                    ('layer', k, 'r_sent'): r[k]}
        new_err = [None]*L + [new_top]
        for k in range(1, L + 1):
            sent = new_prosp[k] - drive[k] if errors_from == 'tau_r' else acting[k]
            pools, link = links[k]
            down = link.down(W['forward' if feedback == 'transposed' else 'feedback', k], sent)
            for pool in reversed(pools):
                down = pool.down(down)
            error = slope[k - 1]*down
            if tau_err:
                error = err[k - 1] + dt/tau_err*(error - err[k - 1])
            new_err[k - 1] = error
        learned = acting if rate_at == 'input' else new_err
        if rate_at == 'input' and tau_target:
            goal = filtered_goal(t)
        for k, (_, link) in enumerate(links):
            rate = dt*learning[t]*eta[k]
            change = rate*link.gradient(learned[k], seen[k])
            for kind in ('forward', 'feedback') if feedback == 'mirror' else ('forward',):
                if (kind, k) in W:
                    W[kind, k] = W[kind, k] + change - dt*learning[t]*decay*W[kind, k]
            if bias:
                W['bias', k] = W['bias', k] + rate*link.bias_gradient(learned[k])
        u, u_prosp, err = new_u, new_prosp, new_err
        for k in range(L + 1):
            new_r = phi[k](u_prosp[k])
            r = [*r[:k], r[k] + dt/tau_s*(new_r - r[k]) if tau_s else new_r, *r[k + 1:]]
            row |= {('layer', k, name): values[k] for name, values in dict(
                u=u, u_prosp=u_prosp, r=r, err_sent=acting).items()}
            row['layer', k, 'mismatch'] = u_prosp[k] - drive[k]
            if rate_at == 'output' or k < L:
                row['layer', k, 'err'] = err[k]
        slope = [f(v) for f, v in zip(slope_of, u_prosp)]
        row |= {('layer', k, 'slope'): values for k, values in enumerate(slope)}
        row['target', 0, 'target'] = goal
        row |= {(kind, k, 'bias' if kind == 'bias' else 'w'): w for (kind, k), w in W.items()}
        rows.append(row)
    return {key: np.array([row[key] for row in rows]) for key in rows[0]}


def _activations(layers, hidden, output):
    """Names of the activations of the layers with weights."""
    own = [layer.activation for layer in layers if layer.has_weights]
    return [name or default for name, default in zip(own, [hidden]*(len(own) - 1) + [output])]


def _in_ms(value, default):
    return default if value is None else np.asarray(value/ms)

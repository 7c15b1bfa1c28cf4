"""Layered networks of Generalized Latent Equilibrium in plain NumPy, step by step."""

import numpy as np

from tests.reference_layered import PHI, DenseLink


class _Size:
    def __init__(self, n):
        self.n = n


def gle(weights, tau_r, x, targets, *, dt, activations, beta=0.1, gamma=0.0, prospective=True,
        loss='mse', rates=None, nudged=None, learning=None, tau_min=None, step=None, links=None,
        begin_at_rest=((), 1)):
    """All steps of a network.

    `x` and `targets` are [step, replica, neuron]; `weights` has ('forward', k) as [post, pre],
    ('bias', k) and ('tau_m', k), `tau_r` one array per layer. `rates` are what a step of gradient
    descent multiplies the gradients with, by kind or by (kind, k). ``step(key, gradient)`` takes
    its place if given: what is added to the weights. `links` are the pools and links of the layers,
    see `tests.reference_layered`; all-to-all by default. The membranes and rates of the
    layers ``begin_at_rest[0]`` are 0 again every ``begin_at_rest[1]`` steps. Gives arrays over time
    by (variable, layer).
    """
    W = {key: np.array(w, dtype=float) for key, w in weights.items()}
    L, B = len(activations), x.shape[1]
    if links is None:
        links = [([], DenseLink(None, _Size(len(W['forward', k])))) for k in range(L)]
    gamma, rates = np.broadcast_to(gamma, L), rates or {}
    phi, slope_of = zip(*(PHI[name] for name in activations))
    tau_r = {k: np.array(tau, dtype=float) for k, tau in enumerate(tau_r)}
    zeros = [np.zeros((B, int(np.prod(link.shape)))) for _, link in links]
    u, v, r, slope = (list(zeros) for _ in range(4))
    down = [np.zeros_like(x[0]), *zeros[:-1]]
    rows = []
    for t in range(len(x)):
        on = 1 if nudged is None else nudged[t]
        learns = 1 if learning is None else learning[t]
        new, row, gradients = [], {}, {}
        if t % begin_at_rest[1] == 0:
            for k in begin_at_rest[0]:
                u[k], r[k] = zeros[k], zeros[k]
        for k, (pools, link) in enumerate(links):
            read = x[t] if k == 0 else r[k - 1]
            for pool in pools:
                read = pool.up(read)
            if k == L - 1:
                share = np.exp(r[k] - r[k].max(axis=1, keepdims=True))
                share = share/share.sum(axis=1, keepdims=True)
                above = beta*on*(targets[t] - (share if loss == 'cross_entropy' else r[k]))
            else:
                above = down[k + 1]
            e_in = slope[k]*above
            v_dot = (e_in - v[k])/tau_r[k]
            err = v[k] + W['tau_m', k]*v_dot if prospective else e_in
            v_new = v[k] + dt*v_dot if prospective else e_in
            bias = link.spread(W['bias', k]) if ('bias', k) in W else 0
            drive = link.up(W['forward', k], read) + bias
            u_dot = (drive + gamma[k]*err - u[k])/W['tau_m', k]
            u_prosp = u[k] + tau_r[k]*u_dot
            gradients |= {('forward', k): -link.gradient(err, read),
                          ('bias', k): -link.bias_gradient(err),
                          ('tau_m', k): (err*u_dot).mean(axis=0),
                          ('tau_r', k): -(e_in*u_dot).mean(axis=0)}
            sent = link.down(W['forward', k], err)
            for pool in reversed(pools):
                sent = pool.down(sent)
            new.append((u[k] + dt*u_dot, v_new, phi[k](u_prosp), slope_of[k](u_prosp), sent))
            row |= {('u_prosp', k): u_prosp, ('err', k): err, ('err_in', k): e_in}
        u, v, r, slope, down = map(list, zip(*new))
        for key, gradient in gradients.items():
            if not learns:
                break
            if step is not None:
                change = step(key, gradient)
            else:
                change = -rates.get(key, rates.get(key[0], 0))*gradient
            if key[0] == 'tau_r':
                tau_r[key[1]] = np.maximum(tau_r[key[1]] + change, tau_min or 0)
            elif key in W:
                W[key] = W[key] + change
                if key[0] == 'tau_m' and tau_min:
                    W[key] = np.maximum(W[key], tau_min)
        for name, values in (('u', u), ('v', v), ('r', r), ('slope', slope)):
            row |= {(name, k): value for k, value in enumerate(values)}
        row |= {key: w.copy() for key, w in W.items()}
        row |= {('tau_r', k): tau.copy() for k, tau in tau_r.items()}
        rows.append(row)
    return {key: np.array([row[key] for row in rows]) for key in rows[0]}

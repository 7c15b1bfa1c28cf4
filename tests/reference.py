"""Plain NumPy versions of the arithmetic, written from the published description of a step."""

import numpy as np


def softplus(x):
    return np.logaddexp(0, x)


def soft_relu(x):
    return np.where(x < -15, 0, np.where(x >= 15, x, np.log1p(np.exp(np.clip(x, -15, 15)))))


def microcircuit(weights, inputs, targets, nudged, learning, n_steps, *, prospective, dt, g_l,
                 g_b, g_a, g_d, g_som, eta_up, eta_ip, eta_pi, w_max=(4.0, 5.0), tau_0=None,
                 bias=None, phi=softplus):
    """All steps of a cortical microcircuit.

    `weights` has matrices [post, pre] by (kind, layer), a bias unit as last column of up and ip;
    `inputs`, `targets`, `nudged`, `learning` have one row per presentation; times in ms. Gives a
    dict of arrays over time.
    """
    W = {key: np.array(w, dtype=float) for key, w in weights.items()}
    L = max(k for kind, k in W if kind == 'up')  # number of the output layer
    tau_0 = dt if tau_0 is None else tau_0
    sizes = [W['up', k].shape[0] for k in range(L + 1)]
    u = [np.zeros(n) for n in sizes]
    forw = [np.zeros(n) for n in sizes]
    inn = [np.zeros(sizes[k + 1]) for k in range(L)]
    inn_forw = [np.zeros(sizes[k + 1]) for k in range(L)]
    r_in, trgt = np.array(inputs[0], float), np.array(targets[0], float)
    last_trgt, last_nudged = np.zeros(sizes[-1]), nudged[0]
    rows = []

    def with_bias(r):
        return r if bias is None else np.append(r, bias)

    for p, pattern in enumerate(inputs):
        for _ in range(n_steps):
            r_in = r_in + dt/tau_0*(pattern - r_in)
            trgt = trgt + dt/tau_0*(targets[p] - trgt)
            used, is_nudged = (last_trgt, last_nudged) if prospective else (trgt, nudged[p])
            last_trgt, last_nudged = trgt, nudged[p]
            U, U_inn = (forw, inn_forw) if prospective else (u, inn)
            r = [with_bias(r_in)] + [with_bias(phi(U[k])) for k in range(L)] + [phi(U[L])]
            r_inn = [phi(x) for x in U_inn]
            row = {'r_in': r_in, 'u_trgt': used if is_nudged else np.full(sizes[-1], np.nan)}
            new_u, new_forw, new_inn, new_inn_forw, change = [], [], [], [], {}
            for k in range(L + 1):
                basal = W['up', k] @ r[k]
                if k < L:
                    g = g_l + g_b + g_a
                    apical = W['down', k] @ phi(U[k + 1]) + W['pi', k] @ r_inn[k]
                    ss = (g_b*basal + g_a*apical)/g
                    pred, row[f'pyr_apical_{k}'] = g_b/g*basal, apical
                else:
                    g = g_l + g_b + g_som
                    ss = (g_b*basal + g_som*used)/g if is_nudged else g_b*basal/(g_l + g_b)
                    pred = g_b/(g_l + g_b)*basal
                rate_of_change = g*(ss - u[k])
                new_u.append(u[k] + dt*rate_of_change)
                new_forw.append(u[k] + rate_of_change/g)
                now = new_forw[k] if prospective else new_u[k]
                change['up', k] = eta_up[k]*np.outer(phi(now) - phi(pred), r[k])
                row[f'pyr_basal_{k}'] = basal
            for k in range(L):
                g = g_l + g_d + g_som
                dend = W['ip', k] @ r[k + 1]
                ss = (g_d*dend + g_som*U[k + 1])/g
                rate_of_change = g*(ss - inn[k])
                new_inn.append(inn[k] + dt*rate_of_change)
                new_inn_forw.append(inn[k] + rate_of_change/g)
                now = new_inn_forw[k] if prospective else new_inn[k]
                pred = g_d/(g_l + g_d)*dend
                change['ip', k] = eta_ip[k]*np.outer(phi(now) - phi(pred), r[k + 1])
                change['pi', k] = eta_pi[k]*np.outer(-row[f'pyr_apical_{k}'], r_inn[k])
                row[f'inn_dendrite_{k}'] = dend
            u, forw, inn, inn_forw = new_u, new_forw, new_inn, new_inn_forw
            if learning[p]:
                for key, dw in change.items():
                    W[key] = W[key] + dt*dw
                for k in range(L + 1):
                    limit = np.inf if w_max is None else w_max[0 if k < L else 1]
                    W['up', k] = np.clip(W['up', k], -limit, limit)
            for k in range(L + 1):
                row |= {f'pyr_soma_{k}': u[k], f'pyr_forw_{k}': forw[k]}
            for k in range(L):
                row |= {f'inn_soma_{k}': inn[k], f'inn_forw_{k}': inn_forw[k]}
            row |= {f'W_{kind}_{k}': w for (kind, k), w in W.items()}
            rows.append(row)
    return {key: np.array([row[key] for row in rows]) for key in rows[0]}

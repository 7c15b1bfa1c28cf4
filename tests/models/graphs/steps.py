"""The steps of a graph in NumPy, written edge by edge."""

import numpy as np

PHI = {'tanh': (np.tanh, lambda p: 1 - np.tanh(p)**2),
       'logistic': (lambda p: 1/(1 + np.exp(-p)), lambda p: np.exp(-p)/(1 + np.exp(-p))**2),
       'linear': (lambda p: 1.0*p, np.ones_like)}


class Neurons:
    """State of a population, [replica, neuron]."""

    def __init__(self, n, replicas, activation, tau_m, tau_r):
        self.phi, self.slope_of = PHI[activation]
        self.tau_m, self.tau_r = tau_m, tau_r
        for what in ('u', 'u_prosp', 'r', 'r_sent', 'slope', 'err', 'v', 'v_in', 'v_err'):
            setattr(self, what, np.zeros((replicas, n)))


def steps(nodes, edges, weights, rates, targets, *, replicas, eta, gamma, dt=0.1, theory='LE'):
    """Run a graph, and return its neurons and weights.

    `nodes` are dictionaries of n, activation, tau_m, tau_r, target, beta; `edges` are dictionaries
    of source, target, kind, feedback, eta, decay, low, high; `rates` and `targets` have an array
    [step, replica, neuron] by population; `weights` are arrays by key, biases included.
    """
    w = {key: np.array(values) for key, values in weights.items()}
    at = {name: Neurons(node['n'], replicas, node['activation'], node['tau_m'], node['tau_r'])
          for name, node in nodes.items()}

    def matrix(edge, kind='forward'):
        if edge['kind'] == 'identity':
            return np.eye(nodes[edge['target']]['n'])
        return w[kind, f"{edge['source']}->{edge['target']}"]

    def sum_errors():
        for neurons in at.values():
            neurons.v_err = np.zeros_like(neurons.v_err)
        for edge in edges:
            if edge['source'] in at and edge['feedback'] != 'absent':
                own = 'feedback' if edge['feedback'] in ('random', 'mirror') else 'forward'
                at[edge['source']].v_err += at[edge['target']].err @ matrix(edge, own)

    for t in range(len(next(iter(rates.values())))):
        before = {name: values[t] for name, values in rates.items()}
        before |= {name: neurons.r.copy() for name, neurons in at.items()}
        for name, neurons in at.items():
            neurons.v_in = w.get(('bias', name), 0)*np.ones_like(neurons.u)
        for edge in edges:
            at[edge['target']].v_in += before[edge['source']] @ matrix(edge).T
        if theory == 'LE':
            sum_errors()
        for name, x in at.items():
            wanted = x.slope*x.v_err
            node = nodes[name]
            if node['target'] == 'rate':
                wanted = wanted + node['beta']*x.slope*(targets[name][t] - x.r)
            elif node['target'] == 'voltage':
                wanted = wanted + node['beta']*(targets[name][t] - x.u_prosp)
            if theory == 'LE':
                acting, x.err = x.err, wanted
            else:
                moving = (wanted - x.v)/x.tau_r
                x.err = acting = x.v + x.tau_m*moving
                x.v = x.v + dt*moving
            moving = (x.v_in + gamma*acting - x.u)/x.tau_m
            x.u_prosp = x.u + x.tau_r*moving
            x.u = x.u + dt*moving
            x.r_sent, x.r, x.slope = x.r, x.phi(x.u_prosp), x.slope_of(x.u_prosp)
        if theory == 'GLE':
            sum_errors()
        for edge in edges:
            if edge['kind'] == 'identity':
                continue
            product = at[edge['target']].err.T @ before[edge['source']]/replicas
            for kind in ('forward', 'feedback') if edge['feedback'] == 'mirror' else ('forward',):
                key = kind, f"{edge['source']}->{edge['target']}"
                change = edge['eta']*product - edge['decay']*w[key]
                w[key] = np.clip(w[key] + dt*change, edge['low'], edge['high'])
        for name, x in at.items():
            if ('bias', name) in w:
                w['bias', name] = w['bias', name] + dt*eta*x.err.mean(axis=0)
    return at, w

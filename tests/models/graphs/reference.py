"""Graphs in NumPy: their steps, and their gradients by implicit differentiation.

All neurons of a graph are one vector, and all of its edges one matrix W[post, pre].
"""

import numpy as np

SLOPES = {'tanh': lambda p: 1 - np.tanh(p)**2, 'linear': np.ones_like}
RATES = {'tanh': np.tanh, 'linear': lambda p: p}


class Flat:
    """A graph of dense edges and identities as one matrix.

    Parameters
    ----------
    inputs, nodes : dict of str to int
        Sizes by name.
    edges : list of (str, str, str)
        (source, target, kind), of kind 'forward' or 'identity'.
    outputs : list of str
        Nodes with a target, which are linear; the others have tanh.
    weights : dict
        Arrays by ('forward', 'x->h') and ('bias', 'h').
    """

    def __init__(self, inputs, nodes, edges, outputs, weights):
        self.nodes, self.edges, self.inputs = nodes, edges, inputs
        self.at, n = {}, 0
        for sizes in (inputs, nodes):
            n = 0
            for name, size in sizes.items():
                self.at[name] = slice(n, n + size)
                n += size
        self.W, self.W_in = np.zeros((n, n)), np.zeros((n, sum(inputs.values())))
        self.b = np.concatenate([np.atleast_1d(weights.get(('bias', name), np.zeros(size)))
                                 for name, size in nodes.items()])
        for source, target, kind in edges:
            matrix = self.W_in if source in inputs else self.W
            matrix[self.at[target], self.at[source]] += (
                np.eye(nodes[target]) if kind == 'identity'
                else weights['forward', f'{source}->{target}'])
        self.is_output = np.zeros(n, bool)
        for name in outputs:
            self.is_output[self.at[name]] = True

    def rates(self, p):
        return np.where(self.is_output, p, np.tanh(p))

    def slopes(self, p):
        return np.where(self.is_output, 1, 1 - np.tanh(p)**2)

    def fixed_point(self, x, n_steps=100_000):
        """Potentials without nudging, by iteration; and their largest change in the last step."""
        p = np.zeros(len(self.W))
        for _ in range(n_steps):
            new = self.W @ self.rates(p) + self.W_in @ x + self.b
            change = np.abs(new - p).max()
            p = new
            if change < 1e-15 or change > 1e6:
                break
        return p, change

    def gradients(self, x, target):
        """Minus the derivatives of half the squared error of the outputs: of W, W_in and b."""
        p, _ = self.fixed_point(x)
        d = self.slopes(p)
        wrong = np.zeros_like(p)
        wrong[self.is_output] = target - p[self.is_output]
        delta = np.linalg.solve(np.eye(len(p)) - d[:, None]*self.W.T, d*wrong)
        return np.outer(delta, self.rates(p)), np.outer(delta, x), delta

    def updates(self, x, target, beta, n_steps=4000):
        """What weights and biases follow when the nudged graph has settled, and how much it moves.

        The steps are those of `steps.py` with look-aheads that equal the membrane time constants.
        """
        p, r, slope, err = np.zeros((4, len(self.W)))
        for _ in range(n_steps):
            wanted = slope*(self.W.T @ err)
            out = self.is_output
            wanted[out] += beta*slope[out]*(target - r[out])
            new = self.W @ r + self.W_in @ x + self.b + err
            change, p, err, sent = np.abs(new - p).max(), new, wanted, r
            r, slope = self.rates(p), self.slopes(p)
            if change < 1e-15:
                break
        return (np.outer(err, sent), np.outer(err, x), err), change

    def radius(self, x):
        """The spectral radius of the loops, with the slopes of the fixed point."""
        p, _ = self.fixed_point(x)
        return np.abs(np.linalg.eigvals(self.W*self.slopes(p))).max()

    def gain(self, x):
        """The largest eigenvalue of J J^T, J being what errors of all neurons do to the outputs."""
        p, _ = self.fixed_point(x)
        j = np.linalg.inv(np.eye(len(p)) - self.W*self.slopes(p))[self.is_output]
        return np.linalg.eigvalsh(j @ j.T).max()

    def part(self, key, in_nodes, in_inputs, biases):
        """What belongs to a weight or a bias of all that `gradients` gives."""
        kind, where = key
        if kind == 'bias':
            return biases[self.at[where]]
        source, target = where.split('->')
        matrix = in_inputs if source in self.inputs else in_nodes
        return matrix[self.at[target], self.at[source]]


def random_graph(rng, radius):
    """A random graph of one input and one output: sizes, edges, and weights of a spectral radius.

    Every node has an edge from the input or a node before it, and one to a node behind it; others,
    skips, loops and identities, come at random.
    """
    n = int(rng.integers(1, 4))
    names = [f'h{k}' for k in range(n)]
    nodes = {name: int(rng.integers(2, 6)) for name in names} | {'y': 2}
    inputs, order = {'x': 3}, ['x', *names, 'y']
    pairs = set()
    for k, name in enumerate(names):
        pairs.add((order[int(rng.integers(0, k + 1))], name))
        pairs.add((name, order[int(rng.integers(k + 2, n + 2))]))
    for source in order:
        for target in order[1:-1] if source == 'y' else order[1:]:
            if source != 'y' and rng.random() < 0.3:
                pairs.add((source, target))
    edges = [(source, target, 'forward') for source, target in sorted(pairs)]
    edges += [(source, target, 'identity') for source in names for target in names
              if source < target and nodes[source] == nodes[target] and rng.random() < 0.5]
    weights = {('bias', name): rng.uniform(-0.3, 0.3, size) for name, size in nodes.items()}
    for source, target, kind in edges:
        if kind == 'forward':
            n_pre = (inputs | nodes)[source]
            weights['forward', f'{source}->{target}'] = rng.normal(
                0, 1, (nodes[target], n_pre))/np.sqrt(n_pre)
    # identities lead to later nodes alone, and so are in loops only with weights
    inner = [key for key in weights if key[0] == 'forward' and not key[1].startswith('x->')
             and not key[1].endswith('->y')]
    low, high = 0.0, 2.0  # larger ones would saturate all neurons of graphs with weak loops
    start = {key: weights[key] for key in inner}

    def radius_at(factor):
        scaled = weights | {key: factor*start[key] for key in inner}
        flat = Flat(inputs, nodes, edges, ['y'], scaled)
        return np.abs(np.linalg.eigvals(flat.W)).max()

    for _ in range(40):
        middle = (low + high)/2
        low, high = (middle, high) if radius_at(middle) <= radius else (low, middle)
    weights |= {key: low*start[key] for key in inner}
    return inputs, nodes, edges, weights

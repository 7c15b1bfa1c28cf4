"""Real-time recurrent learning in plain NumPy, for comparison: the gradient, forwards in time.

What backpropagation through time finds by going back, it carries along: how every potential and
rate depends on every weight. So nothing of the past is stored, and a network learns while it runs;
the price are as many numbers as neurons times weights, all of which change in every step.
"""

import numpy as np

__all__ = ['RealTimeGradient']


class RealTimeGradient:
    """A `TemporalNetwork` step by step, with the derivatives of its rates by its weights.

    Parameters
    ----------
    network : TemporalNetwork
        What runs; its weights may change between steps.
    n_samples : int
        Size of the batch.

    Attributes
    ----------
    state : dict of numpy.ndarray
        Potentials ``('u', k)`` and rates ``('r', k)``, [batch, neuron], as of a `Trajectory`.
    derivatives : dict of numpy.ndarray
        ``('u', k, l)`` and ``('r', k, l)``: of layer l by the forward weights of layer k. A neuron
        of layer k itself depends on its own weights only, [batch, neuron, input], those above on
        all of them, [batch, neuron, weight].

    References
    ----------
    Williams and Zipser, "A learning algorithm for continually running fully recurrent neural
    networks", Neural Computation 1:270, 1989.

    Examples
    --------
    >>> import numpy as np
    >>> from brian_le.protocols.baselines.adjoint import TemporalNetwork
    >>> from brian_le.protocols.baselines.rtrl import RealTimeGradient
    >>> weights = {('forward', 0): [[2.0]], ('tau_m', 0): [1.0], ('tau_r', 0): [1.0]}
    >>> network = TemporalNetwork(weights, ['linear'], dt=0.1)
    >>> online = RealTimeGradient(network, n_samples=1)
    >>> online.step(np.array([[3.0]]))
    array([[6.]])
    >>> online.gradients(np.array([[1.0]]))['forward', 0]
    array([[-3.]])
    """

    def __init__(self, network, n_samples):
        self.network = network
        self.state, self.derivatives = {}, {}
        shapes = [network.weights['forward', k].shape for k in range(network.n_layers)]
        for k, (n, n_read) in enumerate(shapes):
            for what in ('u', 'r'):
                self.state[what, k] = np.zeros((n_samples, n))
                self.derivatives[what, k, k] = np.zeros((n_samples, n, n_read))
                for above in range(k + 1, network.n_layers):
                    self.derivatives[what, k, above] = np.zeros(
                        (n_samples, shapes[above][0], n*n_read))

    def step(self, inputs):
        """One step of time; the outputs, [batch, neuron].

        Parameters
        ----------
        inputs : numpy.ndarray
            [batch, input].
        """
        weights, found, dt = self.network.weights, self.state, self.network.dt
        for k in reversed(range(self.network.n_layers)):  # those below still have the former rates
            read = found['r', k - 1] if k else inputs
            tau_m, tau_r = weights['tau_m', k], weights['tau_r', k]
            drive = read @ weights['forward', k].T + weights.get(('bias', k), 0)
            u_dot = (drive - found['u', k])/tau_m
            u_prosp = found['u', k] + tau_r*u_dot
            slope = self.network.activations[k].slopes(u_prosp)
            found['u', k] += dt*u_dot
            found['r', k] = self.network.activations[k].rates(u_prosp)
            for source in range(k + 1):
                of_u = self.derivatives['u', source, k]
                of_u_dot = self._of_drive(source, k, read) - of_u
                of_u_dot /= tau_m[:, None]
                of_r = self.derivatives['r', source, k]
                np.multiply(of_u_dot, tau_r[:, None], out=of_r)
                of_r += of_u
                of_r *= slope[:, :, None]
                of_u_dot *= dt
                of_u += of_u_dot
        return found['r', self.network.n_layers - 1]

    def gradients(self, output_errors):
        """The part of this step in the gradient, **which descent subtracts**.

        Parameters
        ----------
        output_errors : numpy.ndarray
            [batch, output], positive where an output should be larger.

        Returns
        -------
        dict of numpy.ndarray
            ``('forward', k)`` for all layers: mean over the batch.
        """
        top, n_samples = self.network.n_layers - 1, len(output_errors)
        found = {}
        for k in range(top):
            of_outputs = self.derivatives['r', k, top]
            shape = self.network.weights['forward', k].shape
            found['forward', k] = -(output_errors.ravel()
                                    @ of_outputs.reshape(-1, of_outputs.shape[-1])
                                    ).reshape(shape)/n_samples
        found['forward', top] = -np.einsum('bi,bij->ij', output_errors,
                                           self.derivatives['r', top, top])/n_samples
        return found

    def _of_drive(self, source, k, read):
        """How what layer k is driven by depends on the weights of the layer `source`."""
        if source == k:
            return read[:, None, :]
        w, below = self.network.weights['forward', k], self.derivatives['r', source, k - 1]
        if source < k - 1:
            return w @ below
        # each neuron below has weights of its own
        return (w[:, :, None]*below[:, None]).reshape(len(below), len(w), -1)

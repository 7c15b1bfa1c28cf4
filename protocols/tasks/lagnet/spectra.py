"""Errors of Generalized Latent Equilibrium beside adjoint variables: phases and gains."""

import numpy as np

__all__ = ['FREQUENCIES', 'components', 'continuous_ratio', 'discrete_ratio']

#: Angular frequencies of the input, in rad/ms; they have a common period of 2 pi/0.01 ms.
FREQUENCIES = 0.49, 1.07, 1.98
COMMON_PERIOD = 2*np.pi/0.01  #: ms


def components(signals, times, frequencies=FREQUENCIES):
    """Fourier components at some frequencies, by least squares.

    `signals` are of shape (times, signals), `times` in ms and over a common period of the
    `frequencies` (rad/ms). Found are complex amplitudes c of ``Re(c*exp(i*w*t))``, [signal,
    frequency].
    """
    phases = np.outer(times, frequencies)
    basis = np.concatenate([np.cos(phases), -np.sin(phases)], axis=1)
    found = np.linalg.lstsq(basis, np.asarray(signals), rcond=None)[0]
    n = len(frequencies)
    return (found[:n] + 1j*found[n:]).T


def continuous_ratio(w, tau_m, tau_r):
    """Error of GLE by adjoint variable in continuous time: a real number, no phase.

    That is ``(1 + (w*tau_m)**2)/(1 + (w*tau_r)**2)``, of angular frequencies w.
    """
    w = np.asarray(w)
    return (1 + (w*tau_m)**2)/(1 + (w*tau_r)**2)


def discrete_ratio(w, tau_m, tau_r, dt, tau_top=1.0):
    """The same as both are computed in time steps, for small signals: a complex number.

    Errors of GLE come one step late at the output, whose time constants are both `tau_top`, one
    step later in the layer below, and pass through the error neuron in steps of forward Euler.
    Adjoint variables have no delays, and recursions of their own
    (`brian_le.protocols.baselines.adjoint.adjoint_signals`).
    """
    z = np.exp(1j*np.asarray(w)*dt)
    s = (z - 1)/dt

    def adjoint(tau_m, tau_r):
        return (dt*z - tau_r*(z - 1))/tau_m/(1 - np.exp(-dt/tau_m)*z)

    error = (1 + tau_m*s)/(1 + tau_r*s)/z**2
    return error/(adjoint(tau_top, tau_top)*adjoint(tau_m, tau_r))

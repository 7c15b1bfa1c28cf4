"""What is around a circuit in an experiment: what it is shown, and what is kept of its answers."""

from brian_le import _lazy

__getattr__, __dir__, __all__ = _lazy.exports(__name__, {
    'presentations': ['Presentations'],
    'batches': ['Batches'],
    'sequences': ['Sequences'],
    'step_clock': ['StepClock'],
    'wiring': ['drive', 'follow'],
    'recorder': ['Recorder', 'recorded_values'],
    'readouts': ['BatchReadout', 'Readout', 'SequenceReadout', 'Traces'],
})

"""A study from Python: run a protocol, look at its numbers, draw its figures.

The same as ``brian-le run bars --set t_pattern=1ms --set epochs=5 --device numpy --out
bars-example`` and ``brian-le plot bars-example``, only shorter than anyone would want it: 300
epochs and ``device='cpp_standalone'`` show the circuit learn.
"""

from brian_le.protocols import plot, run

result = run('bars', t_pattern='1 ms', epochs=5, device='numpy', out='bars-example')
print(result)
for name in ('le', 'original'):
    print(name, 'validation error per epoch:', result.arrays[f'{name}.error'].round(3))
for file in plot(result.directory):
    print(file)

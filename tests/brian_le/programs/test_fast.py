import numpy as np
from brian2 import Network, NeuronGroup, ms, prefs
from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject

from brian_le import fast_cpp


def settings():
    device = prefs.devices.cpp_standalone
    return (CPPStandaloneCodeObject.templater, list(prefs.codegen.cpp.extra_link_args),
            device.make_cmd_unix, list(device.extra_make_args_unix),
            list(prefs.codegen.cpp.extra_compile_args_gcc))


def test_fast_cpp_leaves_settings_as_they_were():
    before = settings()
    with fast_cpp(), fast_cpp():
        inside = settings()
    assert settings() == before
    assert inside[0] is not before[0] and inside[1] == [*before[1], '-ffast-math']
    assert 'brian_le.programs.builds' in inside[2]
    assert inside[3:] == before[3:]  # make's arguments and the compiler's are the user's


def test_fast_cpp_in_a_script(tmp_path, monkeypatch, standalone):
    """The state update has the values of NumPy, through the library's vector functions."""
    monkeypatch.setenv('BRIAN_LE_CACHE', str(tmp_path/'cache'))
    with fast_cpp():
        group = NeuronGroup(37, 'dv/dt = (exp(-v**2) + tanh(v) - log(2 + v**2))/ms : 1\nu : 1',
                            method='euler', name='G')
        group.v = start = np.linspace(-2, 2, 37)
        group.u = 1e-310
        group.run_regularly('u = u*0.5', name='halves')
        Network(group).run(0.1*ms, namespace={})
        standalone.build(directory=str(tmp_path/'p'), with_output=False)
    step = 0.1*(np.exp(-start**2) + np.tanh(start) - np.log(2 + start**2))
    np.testing.assert_allclose(np.array(group.v), start + step, rtol=1e-14)
    assert not np.array(group.u).any()  # too small to calculate with
    (source,) = (tmp_path/'p'/'code_objects').glob('G_stateupdater_*.cpp')
    assert '#pragma GCC ivdep' in source.read_text()
    assert len(list((tmp_path/'cache').glob('*/main'))) == 1

"""C++ projects that are compiled for speed."""

import sys
from importlib import resources

from brian2.core.preferences import prefs

from brian_le.programs.liberties import take_templates, templates_of_cpp

__all__ = ['fast_cpp']


class fast_cpp:
    """Let the C++ projects of this process compute and compile faster.

    Called once at the beginning of a script, it holds for the rest of it; in a ``with`` statement
    for what is inside. Nothing is changed without it. It concerns the device ``cpp_standalone``
    alone, and all its groups, with or without the synapses of this package:

    * State updates are vectorised, with the C library's vector versions of exp, log, tanh and
      others where there are some (g++ on Linux, x86-64), which differ from the others in the last
      digits. So are clock-driven equations of `brian2.Synapses` that read no neurons.
    * Numbers too small to be represented in full precision, below 1e-308 in double precision, are
      zero. Calculating with them is ten times slower, and neurons whose input has been silent for
      long arrive there. (The flag ``-ffast-math`` for the linker.)
    * Headers are compiled once for all sources, and binaries are kept: an unchanged model is not
      compiled again, in whatever folder it runs, see `brian_le.programs.builds`. (The preference
      ``devices.cpp_standalone.make_cmd_unix``.)

    The flags of the compiler are those of Brian2, ``-O3 -ffast-math -march=native`` among them; see
    its preference ``codegen.cpp.extra_compile_args_gcc``.

    Examples
    --------
    >>> from brian2 import set_device
    >>> from brian_le import fast_cpp
    >>> fast_cpp()                    # doctest: +SKIP
    >>> set_device('cpp_standalone')  # doctest: +SKIP
    """

    def __init__(self):
        device = prefs.devices.cpp_standalone
        templater = templates_of_cpp()
        self._before = templater, prefs.codegen.cpp.extra_link_args, device.make_cmd_unix
        templates = resources.files('brian_le.programs')/'templates'
        if '_le_vector_math' not in templater.env_globals:
            templater = templater.derive(
                'brian_le.programs',
                env_globals={'_le_vector_math': (templates/'vector_math.hpp').read_text('utf-8')})
        links = prefs.codegen.cpp.extra_link_args
        self._set(templater, links if '-ffast-math' in links else [*links, '-ffast-math'],
                  f'"{sys.executable}" -m brian_le.programs.builds')

    @staticmethod
    def _set(templater, link_flags, make):
        take_templates(templater)
        prefs.codegen.cpp.extra_link_args = link_flags
        prefs.devices.cpp_standalone.make_cmd_unix = make

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._set(*self._before)

"""C++ projects in the form of Brian2's that compile in a moment."""

import subprocess

from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject

_MAIN = '#include "objects.h"\nint main() {std::printf("%d\\n", (int)(VALUE)); return 0;}\n'


def write_tiny(project, *, value='1', head='', flags='', links='', sources='main.cpp', main=_MAIN):
    """A program that prints a value, which is an expression of what `head` brings along."""
    project.mkdir(parents=True, exist_ok=True)
    texts = {'main.cpp': main,
             'objects.h': f'#ifndef OBJECTS_H\n#define OBJECTS_H\n#include <cstdio>\n{head}\n'
                          f'#define VALUE {value}\n#endif\n',
             'makefile': CPPStandaloneCodeObject.templater.makefile(
                 None, None, source_files=sources, header_files='objects.h', compiler_flags=flags,
                 compiler_debug_flags='', linker_debug_flags='', linker_flags=links,
                 rm_cmd='rm $(OBJS) $(PROGRAM) $(DEPS)',
                 auto_dependencies=True)}  # as Brian2 2.11 has it
    for name, text in texts.items():  # Brian2 writes what has changed
        if not (project/name).exists() or (project/name).read_text() != text:
            (project/name).write_text(text)
    return project


def printed(project):
    return int(subprocess.run([project/'main'], check=True, capture_output=True, text=True).stdout)

"""Ctrl-C where it was ignored before Brian2 was imported, as in the background of a shell script.

Brian2 handles SIGINT, and hands it on to whatever did before. That may be no function: where it was
ignored, Brian2 would end with an error about one, in whatever is running.
"""

import signal

import brian2  # noqa: F401 (which has to have taken over)

__all__ = []


def _ignore(number, frame):
    """Do nothing."""


_handler = signal.getsignal(signal.SIGINT)
if hasattr(_handler, 'previous_handler') and not callable(_handler.previous_handler):
    _handler.previous_handler = (_ignore if _handler.previous_handler == signal.SIG_IGN else
                                 signal.default_int_handler)

"""The bars task."""

"""The mimic task."""

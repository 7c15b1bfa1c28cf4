"""Data sets, from files and drawn."""

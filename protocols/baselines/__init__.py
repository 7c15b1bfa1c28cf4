"""References in plain NumPy, for comparison."""

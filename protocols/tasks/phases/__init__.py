"""Learning with and without phases."""

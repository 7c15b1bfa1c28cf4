"""The prediction of a chaotic series."""

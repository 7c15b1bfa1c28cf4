"""Twenty hidden layers with a residual stream, and without."""

"""The alignment of weights in time with the gradient."""

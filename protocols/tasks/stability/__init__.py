"""Where networks begin to be unstable."""

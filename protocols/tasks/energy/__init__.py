"""The energy of networks while they learn."""

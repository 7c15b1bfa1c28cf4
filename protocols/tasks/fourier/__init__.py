"""Fourier synthesis."""

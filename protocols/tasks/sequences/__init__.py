"""Benchmarks in the classification of sequences."""

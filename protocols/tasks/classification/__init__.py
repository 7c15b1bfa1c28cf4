"""Benchmarks in classification."""

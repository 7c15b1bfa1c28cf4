"""Feedback weights of a deep microcircuit learn from noise, and nothing else learns."""

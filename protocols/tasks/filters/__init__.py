"""The filters of neurons with two time constants."""

"""A chain that learns weights and time constants."""

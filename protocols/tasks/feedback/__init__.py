"""Where feedback weights come from."""

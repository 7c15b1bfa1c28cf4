"""Named studies, each a table of runs (``.toml``), and their figures."""

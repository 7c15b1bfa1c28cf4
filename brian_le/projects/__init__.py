"""C++ projects for other machines, which need no Python where they run."""

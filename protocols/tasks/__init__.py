"""Tasks: what is presented, what learns it, and what is made of a run."""

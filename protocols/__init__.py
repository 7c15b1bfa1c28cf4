"""Studies of Latent Equilibrium: tasks, runs, results and figures."""

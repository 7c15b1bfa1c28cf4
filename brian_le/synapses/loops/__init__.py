"""The engine of synapses without lists of pairs: nests of loops, and a writer for each target."""

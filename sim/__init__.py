"""The world: pure functions on pytrees. Knows nothing of brains, files, clocks or windows."""

"""Cellular automata: rules, grids, steppers, pattern files, objects and measures. Knows nothing of creatures."""

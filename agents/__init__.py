"""Minds in bodies: networks, plasticity and scripted minds, all behind one `Policy` signature."""

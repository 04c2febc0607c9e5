"""Tests: truths, references and exact resumes. Run with `make test`."""

FAST = {"xla_backend_optimization_level": 0}
"""Compiler options of programs that run briefly: they compile in half the time and run several times slower."""

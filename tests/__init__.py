"""Tests: truths, references and exact resumes. Run with `make test`."""

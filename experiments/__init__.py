"""The shell: configs, the command line, the run loop, run folders, assays and analysis."""

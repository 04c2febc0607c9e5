"""Environments: worlds and tasks as those who learn by reward meet them, and the standard interfaces to the world."""

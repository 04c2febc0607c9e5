"""Pictures: state to RGB arrays, plots, and the one pygame window."""

"""Evolution of cellular automata: patterns and rules as strings of bits, what they are worth, and what proves it."""

"""How minds change: genomes, mutation, crossover, speciation and natural inheritance."""

"""Measures of order and emergence in any grid of symbols: entropy, complexity, information, damage, activity.

They take NumPy arrays of whole numbers from 0: a history `[T, n]` or `[T, H, W]`, or a single frame where time is not
asked for. All are in bits, cells, or shares of cells. Those that estimate from samples say how they are biased, and
`sim.life.measures.profile` puts the same measure of a shuffled history beside each.
"""

"""Pace: how many ticks fit between two pictures.

A source may have a dear call and cheap ticks, or the other way round, and both change as populations do. No
clock and no pygame: the window tells what took how long.
"""

from __future__ import annotations

import numpy as np

FRAME = 1 / 30
"""Longest time in seconds between two pictures."""
LONGEST_CALL = 0.1
"""Seconds that ticks may take between two pictures where calls are so dear that FRAME cannot be kept."""


class Pacer:
    """How many ticks to run before the next picture, from how long ticks and pictures took.

    A call for n ticks takes about a + b·n seconds. Both are fitted to recent calls, for a source with a dear
    call and cheap ticks would otherwise be asked for single ticks for ever.
    """

    def __init__(self) -> None:
        self.burst = 1  # most ticks that fit
        self.owed = 0.0  # ticks due at a fixed speed
        self.drawing = 0.01  # seconds a picture takes
        self._sums = np.zeros(5)  # of 1, n, t, n², n·t over recent calls

    def due(self, ticks_per_second: float, seconds: float) -> int:
        """Ticks to run now, after `seconds` since the last picture."""
        if np.isinf(ticks_per_second):
            self.owed = 0.0
            return self.burst
        self.owed += ticks_per_second * seconds
        now = min(int(self.owed), self.burst)
        self.owed = min(self.owed - now, 1.0)  # what could not be run is forgotten, not caught up
        return now

    def ran(self, num: int, seconds: float) -> None:
        """Learns from `num` ticks that took `seconds`."""
        surely = LONGEST_CALL * num / max(seconds, 1e-9)  # whatever the fit says
        if seconds > 2.5 * LONGEST_CALL:  # a compilation, or ticks have become dear: begin anew
            self._sums[:] = 0
            self.burst = max(1, int(surely))
            return
        self._sums = 0.85 * self._sums + np.array([1, num, seconds, num * num, num * seconds])
        count, n, total, nn, nt = (float(v) for v in self._sums)
        spread = nn / count - (n / count) ** 2
        if spread < 2e-3 * (n / count) ** 2:  # too even to tell a from b: take all for b, and try two
            each, fewest = total / n, 2 if num == 1 else 1
        else:
            each, fewest = max((nt / count - n * total / count**2) / spread, 1e-7), 1
        call = max(total / count - each * n / count, 0.0)
        room = max(FRAME - self.drawing - call, 0.3 * FRAME)
        self.burst = max(fewest, int(min(room / each, surely, 2 * max(self.burst, num))))

    def drew(self, seconds: float) -> None:
        """Learns from a picture that took `seconds`."""
        self.drawing += 0.2 * (seconds - self.drawing)

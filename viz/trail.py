"""The curve of a number over time, thinned out as it grows: what panels draw beside the present number."""

from __future__ import annotations

LONGEST = 360
"""Points that are kept; beyond, every other one is dropped."""


class Trail(list[tuple[int, float]]):
    """Points (time, value), times ascending."""

    stride = 1  # times that lie at least between two points

    def add(self, time: int, value: float) -> None:
        """The value now; what was known of this time and later ones is forgotten."""
        while self and self[-1][0] >= time:
            self.pop()
        if len(self) >= 2 and time - self[-2][0] < self.stride:
            self.pop()  # the last point moves along with the present
        self.append((time, value))
        if len(self) > LONGEST:
            del self[1:-1:2]
            self.stride = 2 * max(self.stride, (self[-1][0] - self[0][0]) // LONGEST)

"""How far the stream is behind what this process has published. Pure.

The process remembers, once a second and partition, up to which offset it had published. What the
stream has applied tells which of these marks it has passed: so much of ours is done, and as old as
the first mark not passed is what it works on.
"""

from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Final, NamedTuple

MOST_MARKS: Final = 900
"""Of a partition, one a second: a stream that is later still counts as that late."""


class _Mark(NamedTuple):
    """Up to which offset had been published at a time, and how many of these were ours."""

    next_offset: int
    at: float
    reports: int


class Trail:
    """Marks of one process."""

    def __init__(self) -> None:
        self._published: dict[int, tuple[int, int]] = {}
        self._marks: defaultdict[int, deque[_Mark]] = defaultdict(lambda: deque(maxlen=MOST_MARKS))

    def note(self, partition: int, offset: int) -> None:
        """A report of ours stands there."""
        next_offset, reports = self._published.get(partition, (0, 0))
        self._published[partition] = (max(next_offset, offset + 1), reports + 1)

    def mark(self, now: float) -> None:
        """Remember what was published by now (seconds of any one clock)."""
        for partition, (next_offset, reports) in self._published.items():
            self._marks[partition].append(_Mark(next_offset, now, reports))
        self._published.clear()

    def look(self, next_offsets: Mapping[int, int], now: float) -> tuple[int, float]:
        """Return how many of our reports were applied since the last look, and the age in seconds.

        The age is that of the oldest mark not passed, in any partition; 0: all is applied.
        """
        passed, age_seconds = 0, 0.0
        for partition, marks in self._marks.items():
            applied = next_offsets.get(partition, 0)
            while marks and marks[0].next_offset <= applied:
                passed += marks.popleft().reports
            if marks:
                age_seconds = max(age_seconds, now - marks[0].at)
        return passed, age_seconds

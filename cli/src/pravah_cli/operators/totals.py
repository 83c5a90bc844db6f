"""Counters of many processes, added up over their restarts."""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from pravah_cli.operators.scrape import Series

GAUGES = frozenset({"pravah_consumer_lag", "pravah_outbox_oldest_seconds"})
WINDOW_SECONDS = 60.0
"""Ages are those of the last minute: what learners feel now, not since the start."""

Values = Mapping[Series, float]


@dataclass(slots=True)
class Totals:
    """What all processes counted. A process that starts again begins at 0 and loses nothing here.

    Keeps a minute of history, so that rates and ages are of now.
    """

    _last: dict[str, dict[Series, float]] = field(default_factory=dict)
    _sums: dict[Series, float] = field(default_factory=lambda: defaultdict(float))
    _history: deque[tuple[float, dict[Series, float]]] = field(default_factory=deque)

    def add(self, process: str, values: Values) -> None:
        """Take in what one process shows now."""
        before = self._last.get(process, {})
        for series, value in values.items():
            if series.name not in GAUGES:
                grown = value - before.get(series, 0.0)
                self._sums[series] += value if grown < 0 else grown
        self._last[process] = dict(values)

    def forget_gauges(self, process: str) -> None:
        """Drop what a process that does not answer last said of lags and ages."""
        kept = self._last.get(process, {})
        self._last[process] = {
            series: value for series, value in kept.items() if series.name not in GAUGES
        }

    def mark(self, now: float) -> None:
        """Remember the sums as of `now` (seconds), and forget what is older than the window."""
        self._history.append((now, dict(self._sums)))
        while len(self._history) > 2 and self._history[1][0] <= now - WINDOW_SECONDS:  # noqa: PLR2004 - two ends make a span
            self._history.popleft()

    def total(self, chosen: Callable[[Series], bool]) -> float:
        """Sum the counters that are chosen."""
        return sum(value for series, value in self._sums.items() if chosen(series))

    def rate(self, chosen: Callable[[Series], bool], seconds: float) -> float:
        """Return how much the chosen counters grew per second over the last `seconds`."""
        if len(self._history) < 2:  # noqa: PLR2004 - two ends make a span
            return 0.0
        now, last = self._history[-1]
        then, first = next(
            (mark for mark in reversed(self._history) if mark[0] <= now - seconds),
            self._history[0],
        )
        grown = sum(
            value - first.get(series, 0.0) for series, value in last.items() if chosen(series)
        )
        return grown / (now - then) if now > then else 0.0

    def grown(self, name: str) -> dict[Series, float]:
        """Return how much each counter of that name grew over the window."""
        if not self._history:
            return {}
        first = self._history[0][1]
        last = self._history[-1][1]
        return {
            series: value - first.get(series, 0.0)
            for series, value in last.items()
            if series.name == name
        }

    def sums(self, name: str) -> list[tuple[Series, float]]:
        """Return each counter of that name."""
        return [(series, value) for series, value in self._sums.items() if series.name == name]

    def gauges(self, name: str) -> list[tuple[Series, float]]:
        """Return a gauge as each process last showed it."""
        return [
            (series, value)
            for values in self._last.values()
            for series, value in values.items()
            if series.name == name
        ]


def quantile(buckets: Mapping[float, float], share: float) -> float | None:
    """Estimate a quantile from cumulative buckets (upper bound → count), as Prometheus does.

    None when nothing was counted. Above the last finite bound, that bound.
    """
    bounds = sorted(buckets)
    if not bounds or not buckets[bounds[-1]]:
        return None
    wanted = share * buckets[bounds[-1]]
    if buckets[bounds[0]] >= wanted:
        return bounds[0] * wanted / buckets[bounds[0]]
    for lower, upper in pairwise(bounds):
        if buckets[upper] >= wanted:
            if upper == float("inf"):
                return lower
            inside = buckets[upper] - buckets[lower]
            return lower + (upper - lower) * (wanted - buckets[lower]) / inside
    return bounds[-1]

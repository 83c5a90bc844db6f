"""Observing many values at once: one step per bucket instead of several per value."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any


def observe_all(histogram: Any, values: Sequence[float]) -> None:
    """Observe each of `values` in a labelled histogram.

    The client observes one at a time, which for a batch costs nearly as much as decoding it; this
    reaches inside (prometheus-client 0.2x; a test compares both ways).
    """
    ordered = sorted(values)
    counted = 0
    for bound, bucket in zip(histogram._upper_bounds, histogram._buckets, strict=True):  # noqa: SLF001
        up_to = bisect_right(ordered, bound)
        if up_to > counted:
            bucket.inc(up_to - counted)
            counted = up_to
    histogram._sum.inc(sum(ordered))  # noqa: SLF001

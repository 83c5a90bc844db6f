"""When a run's facts must have happened and come in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from pravah_progress.model import Milliseconds, as_milliseconds
from pravah_shared.events import Run

_EVER = -(2**62)
"""Before every moment; negated, after every."""

Days = Mapping[str, Mapping[str, Milliseconds]]
"""By UTC day: `first` and `last` moment, earliest moment at which one of them was `received`."""


@dataclass(frozen=True, slots=True)
class Window:
    """When a fact must have happened, and by when it must have come in; all ends are in."""

    starts_at: Milliseconds
    ends_at: Milliseconds
    closes_at: Milliseconds

    @classmethod
    def of(cls, run: Run, retired_at: datetime | None = None) -> Self:
        """Return the window of a run. It closes after the grace for devices that are offline.

        Or when its course is retired, if that is earlier.
        """
        ends_at = as_milliseconds(run.ends_at)
        closes_at = ends_at + run.grace_seconds * 1000
        if retired_at is not None:
            closes_at = min(closes_at, as_milliseconds(retired_at))
        return cls(as_milliseconds(run.starts_at), ends_at, closes_at)

    @classmethod
    def until(cls, retired_at: datetime | None) -> Self | None:
        """Return the window of a course that is retired; None: it is not, all counts."""
        return None if retired_at is None else cls(_EVER, -_EVER, as_milliseconds(retired_at))


@dataclass(frozen=True, slots=True)
class Part:
    """Facts reported under one run key, and the window they must lie in; None: all count."""

    facts: Mapping[str, Any]
    window: Window | None = None

    def holds(self, at: Milliseconds, received: Milliseconds) -> bool:
        """Tell whether what happened and came in at these moments counts."""
        window = self.window
        return window is None or (
            window.starts_at <= at <= window.ends_at and received <= window.closes_at
        )

    def earliest(self, days: Days) -> Milliseconds | None:
        """Return the earliest known moment that counts.

        Of a day its first and last moment and its earliest receipt are known. Where the first
        lies before the opening, the last stands for all between; where something of the day came
        in in time, all of it did (docs/adr/0008 tells what that leaves in doubt).
        """
        if self.window is None:
            return min([day["first"] for day in days.values()], default=None)
        ends = (
            at
            for day in days.values()
            for at in (day["first"], day["last"])
            if self.holds(at, day["received"])
        )
        return min(ends, default=None)

    def leaves_out(self, days: Days) -> bool:
        """Tell whether there is a day of which nothing counts."""
        return any(self.earliest({name: day}) is None for name, day in days.items())


def moments_of(name: str) -> tuple[Milliseconds, Milliseconds]:
    """Return when a submission was made and when it came in, from its key."""
    at, _, received = name.partition("_")
    return int(at), int(received)

"""Tells clients when to come again, so that what they offer stays within what can be taken. Pure.

**The calendar.** The next MOST_SECONDS are a row of seconds into each of which `rate` reports fit.
Every answer, the refusals among them, books for its client the first second that has room, at the
soonest `least_seconds` from now. N clients that keep to it come back every max(least, N / rate)
seconds and offer at most `rate`, however many they are and whenever they began. No loop leads from
the hints to the number of clients, so nothing can swing. A client that stays away leaves its second
unused: an error to the safe side. When all is full, clients are spread evenly over the whole row.

**Jitter.** While there is room everywhere, clients are spread over JITTER of `least_seconds`; else
over the seconds with room. Those that began together part with their first answer.

**The rate.** What was done under load shows what can be done. Each second, for ingest and stream:

    proven = done / strain            strain 1: as loaded as wanted; taken within 1/2 … 2
    limit  = proven                   when strain >= 1
             max(limit, proven)       when strain < 1: idleness proves nothing against it
    rate   = the least of the limits, each approached by SMOOTHING

Not integrated: while clients that were told earlier still come too fast, `done` is what could be
done, so the limit stands still instead of running away. After a step of capacity, therefore, hints
are right within seconds, and offered load is as soon as the last second booked before has passed.
Who ignores the hints takes from the margin that a strain of 1 leaves, and beyond is answered 503.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

MOST_SECONDS: Final = 900
"""The farthest a client is sent away: what it has not sent is lost with the device."""
JITTER: Final = 0.2
SMOOTHING: Final = 0.2
"""Of the way to a new limit, each second: a fifth forgets a disturbed second soon enough."""
LEAST_RATE: Final = 10.0
"""Reports a second: below it, too little comes back to ever prove that more is possible."""


@dataclass(frozen=True, slots=True)
class Load:
    """One second of ingest or of the stream: reports done in it, and how it is strained by them."""

    done: float
    strain: float


class Pacer:
    """The calendar of one process, and its rate in reports a second."""

    def __init__(
        self, least_seconds: int, rate: float, random: Callable[[], float] = lambda: 0.0
    ) -> None:
        """Begin with a guess of the rate. `random` gives numbers from 0 to below 1."""
        self.rate = rate
        self._least = min(least_seconds, MOST_SECONDS)
        self._random = random
        self._limits: dict[str, float] = {}
        self._booked = [0] * (MOST_SECONDS + 1)
        self._now = 0
        self._first = self._least

    def book(self, reports: int = 1) -> int:
        """Return after how many seconds the sender of so many reports should come again."""
        seconds = self._least + int(self._random() * self._least * JITTER)
        if not self._has_room(seconds):
            while self._first < MOST_SECONDS and not self._has_room(self._first):
                self._first += 1
            seconds = self._first
        if seconds >= MOST_SECONDS:
            seconds = self._least + int(self._random() * (MOST_SECONDS - self._least))
        self._booked[(self._now + seconds) % len(self._booked)] += reports
        return seconds

    def turn(self, **loads: Load) -> None:
        """A second has passed; `loads` says how it went, for each part by its name."""
        self._booked[self._now % len(self._booked)] = 0
        self._now += 1
        self._first = self._least
        for part, load in loads.items():
            self._limits[part] = self._limit(self._limits.get(part, self.rate), load)
        self.rate = min(self._limits.values(), default=self.rate)

    @property
    def horizon(self) -> int:
        """Seconds until the first second with room: how late a change of the rate is felt."""
        return self._first

    def _has_room(self, seconds: int) -> bool:
        if seconds >= MOST_SECONDS:
            return False
        return self._booked[(self._now + seconds) % len(self._booked)] < self.rate

    @staticmethod
    def _limit(limit: float, load: Load) -> float:
        if not load.done:
            return limit  # an outage tells nothing of what can be done after it
        proven = load.done / min(max(load.strain, 0.5), 2.0)
        wanted = proven if load.strain >= 1 else max(limit, proven)
        return max(LEAST_RATE, limit + SMOOTHING * (wanted - limit))

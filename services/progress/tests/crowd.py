"""Two crore clients that do as they are told, second by second, without a clock.

Clients are counted in cohorts of COHORT that act as one: a cohort's hint is one call of the pacer,
booking for all of it. What is offered beyond the capacity is refused, and comes again when told.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from pravah_progress.api.pacing import Load, Pacer
from pravah_progress.api.pulse import CPU_WANTED, stream_strain

CRORE = 10_000_000
COHORT = 1_000


@dataclass
class Fleet:
    """All processes of ingest as one, and their stream; capacities in reports a second."""

    pacer: Pacer
    capacity: float
    stream_capacity: float = float("inf")
    due: Counter[int] = field(default_factory=Counter)
    backlog: float = 0.0
    second: int = 0
    offered: list[float] = field(default_factory=list)
    hints: list[float] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)

    def arrive(self, clients: int, over_seconds: int, random: Random) -> None:
        """Let clients come for the first time, spread over so many seconds."""
        for _ in range(clients // COHORT):
            self.due[self.second + random.randrange(over_seconds)] += 1

    def run(self, seconds: int, ignoring: Callable[[int], float] = lambda _: 0.0) -> None:
        """Let time pass. `ignoring` gives the reports of those who do not heed their hints."""
        for _ in range(seconds):
            cohorts = self.due.pop(self.second, 0)
            offered = cohorts * COHORT + ignoring(self.second)
            told = [self.pacer.book(COHORT) for _ in range(cohorts)]
            self.due.update(self.second + hint for hint in told)
            self._turn(offered)
            self.hints.append(sum(told) / len(told) if told else 0)
            self.second += 1

    def _turn(self, offered: float) -> None:
        done = min(offered, self.capacity)
        self.offered.append(offered)
        self.backlog += done
        applied = min(self.backlog, self.stream_capacity)
        self.backlog -= applied
        age = self.backlog / self.stream_capacity
        self.ages.append(age)
        self.pacer.turn(
            ingest=Load(done, done / self.capacity / CPU_WANTED),
            stream=Load(applied, stream_strain(age, self.pacer.horizon)),
        )

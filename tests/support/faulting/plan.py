"""Which faults, in which order: by chance, and by the seed the same again."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from faulting.faults import FAULTS

BRIEF = (
    "killed before handle",
    "killed between write and read",
    "killed before publish",
    "killed before acknowledge",
    "killed before commit",
    "killed after commit",
    "poison and repeats",
    "disk full",
    "store cut off",
)
"""What `make test` has time for."""
OUTAGE_SECONDS = 12.0
"""Longer than the drivers' deadlines: nobody can wait it out by accident."""
LONG_OUTAGE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """`minutes` 0: each fault once, then the end. `whole`: with certificate and notification."""

    seed: int
    minutes: float = 0
    whole: bool = True
    faults: Sequence[str] = tuple(FAULTS)

    @property
    def outage_seconds(self) -> float:
        """How long a part is away."""
        return LONG_OUTAGE_SECONDS if self.minutes else OUTAGE_SECONDS

    def order(self) -> Iterator[str]:
        """Yield the names of the faults: all of them shuffled, again and again if it is long."""
        chance = random.Random(self.seed)
        while True:
            faults = list(self.faults)
            chance.shuffle(faults)
            yield from faults
            if not self.minutes:
                return

"""`--scale`: cost per event and memory by number of enrollments and of partitions."""

from collections.abc import Sequence

from bench.contest.arena import opened
from bench.contest.contestants import OURS
from bench.effort import Effort
from bench.parts import Parts
from bench.results import figure
from bench.screen import Steps
from bench.volume.copies import MODELS
from bench.volume.run import Ran, fill, run

PARTITIONS = (1, 2, 4)
EVENTS = 100_000
"""The most in one run."""
COLUMNS = (
    "enrollments",
    "partitions",
    "events",
    "events/s",
    "stream, CPU µs/event",
    "store, CPU µs/event",
    "memory, MB",
)


def sizes(effort: Effort) -> Sequence[int]:
    """Return the numbers of enrollments, by powers of ten."""
    return tuple(10**power for power in (4, 5, 6) if 10**power <= effort.many_enrollments)


def runs(effort: Effort) -> int:
    """Return how many runs there are."""
    return len(sizes(effort)) * len(PARTITIONS)


async def measure(parts: Parts, effort: Effort, steps: Steps) -> list[list[str]]:
    """Measure each combination once; return the rows of the table."""
    rows = []
    for partitions in PARTITIONS:
        async with opened(parts, OURS, MODELS, partitions) as arena:
            await arena.enroll()
            for enrollments in sizes(effort):
                steps.tell(f"scale: {enrollments:,} enrollments, {partitions} partitions")
                learners = await fill(arena, enrollments)
                ran = await run(arena, enrollments, learners[:EVENTS])
                rows.append(row(ran, partitions))
                steps.advance()
    return rows


def row(ran: Ran, partitions: int) -> list[str]:
    """Return a row of the table."""
    of_store = ran.store_microseconds
    return [
        figure(ran.enrollments),
        str(partitions),
        figure(ran.events),
        figure(ran.rate.per_second),
        figure(ran.microseconds),
        "" if of_store is None else figure(of_store),
        figure(ran.most_mb),
    ]

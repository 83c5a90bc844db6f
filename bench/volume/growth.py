"""cost_growth and rss_mb: a million enrollments beside ten thousand."""

from collections.abc import Sequence
from itertools import islice
from statistics import median

from bench.contest.arena import opened
from bench.contest.contestants import OURS
from bench.effort import FULL, Effort
from bench.parts import Parts
from bench.results import Fact, Line, Target
from bench.screen import Steps
from bench.volume.copies import MODELS
from bench.volume.run import Ran, fill, run

FEW = 10_000
GROWTH = 1.15
MOST_MB = 250.0
FLAT = 1.05
"""Memory at the end against memory after the warm-up."""


async def measure(parts: Parts, effort: Effort, steps: Steps) -> list[Line]:
    """Measure: short runs among few enrollments, as short ones among many, and one over the rest.

    Cost is compared between runs of one length, each of a process of its own: what a process
    does by the second, and what it does once, must not pass for what enrollments cost.
    """
    async with opened(parts, OURS, MODELS) as arena:
        await arena.enroll()
        small = []
        for number in range(effort.growth_turns):
            steps.tell(f"growth: {FEW:,} enrollments, turn {number + 1}")
            small.append(await run(arena, FEW, await fill(arena, FEW)))
            steps.advance()
        many = effort.many_enrollments
        steps.tell(f"growth: {many:,} enrollments, filling the store")
        learners = iter(await fill(arena, many))
        large = []
        for number in range(effort.growth_turns):
            steps.tell(f"growth: {many:,} enrollments, turn {number + 1}")
            large.append(await run(arena, many, list(islice(learners, small[0].events))))
        steps.tell(f"growth: {many:,} enrollments, all that are left (minutes)")
        long = await run(arena, many, list(learners))
        steps.advance()
    return lines(small, large, long)


def lines(small: Sequence[Ran], large: Sequence[Ran], long: Ran) -> list[Line]:
    """Return the lines of the table."""
    known = long.enrollments >= FULL.many_enrollments
    many, few = (median(ran.microseconds for ran in runs) for runs in (large, small))
    note = (
        f"{long.enrollments:,} enrollments beside {FEW:,}, {len(large)} turns of "
        f"{large[0].events:,} events each{_of_store(large, small)}; "
        f"{long.microseconds:.1f} µs in one run over {long.events:,} events"
    )
    most = Target(MOST_MB, of="value", at_most=True)
    flat = Target(FLAT, at_most=True)
    growth = Target(GROWTH, at_most=True)
    over = f"over {long.events:,} events"
    warm = f"{over}; baseline: after the first tenth"
    return [
        Fact("cost_growth", "CPU µs/event", many, few, growth, note, known),
        Fact("rss_mb", "MB", long.most_mb, None, most, f"the most {over}", known),
        Fact("rss_flat", "MB", long.end_mb, long.warm_mb, flat, warm, known),
    ]


def _of_store(large: Sequence[Ran], small: Sequence[Ran]) -> str:
    costs = [[ran.store_microseconds for ran in runs] for runs in (large, small)]
    known = [[cost for cost in one if cost is not None] for one in costs]
    if not all(known):
        return ""
    many, few = map(median, known)
    return f", of the store {many:.0f} µs beside {few:.0f} µs"

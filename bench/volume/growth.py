"""cost_growth and rss_mb: a million enrollments beside ten thousand."""

from collections.abc import Sequence
from statistics import median

from bench.contest.arena import opened
from bench.contest.contestants import OURS
from bench.effort import FULL, Effort
from bench.parts import Parts
from bench.results import Fact, Line, Target
from bench.screen import Steps
from bench.volume.copies import MODELS
from bench.volume.run import Ran, run

FEW = 10_000
GROWTH = 1.15
MOST_MB = 250.0
FLAT = 1.05
"""Memory at the end against memory after the warm-up."""


async def measure(parts: Parts, effort: Effort, steps: Steps) -> list[Line]:
    """Measure: a few short runs among few enrollments, one long run among many."""
    async with opened(parts, OURS, MODELS) as arena:
        await arena.enroll()
        small = []
        for number in range(effort.growth_turns):
            steps.tell(f"growth: {FEW:,} enrollments, turn {number + 1}")
            small.append(await run(arena, FEW, FEW))
            steps.advance()
        steps.tell(f"growth: {effort.many_enrollments:,} enrollments (minutes)")
        large = await run(arena, effort.many_enrollments, effort.many_enrollments)
        steps.advance()
    return lines(small, large)


def lines(small: Sequence[Ran], large: Ran) -> list[Line]:
    """Return the lines of the table."""
    known = large.enrollments >= FULL.many_enrollments
    few = median(ran.microseconds for ran in small)
    of_store = [ran.store_microseconds for ran in small if ran.store_microseconds is not None]
    note = f"{large.enrollments:,} enrollments beside {FEW:,}"
    if of_store and large.store_microseconds is not None:
        note += f"; the store {median(of_store):.0f} µs and {large.store_microseconds:.0f} µs"
    most = Target(MOST_MB, of="value", at_most=True)
    flat = Target(FLAT, at_most=True)
    growth = Target(GROWTH, at_most=True)
    over = f"over {large.events:,} events"
    warm = f"{over}; baseline: after the first tenth"
    return [
        Fact("cost_growth", "CPU µs/event", large.microseconds, few, growth, note, known),
        Fact("rss_mb", "MB", large.most_mb, None, most, f"the most {over}", known),
        Fact("rss_flat", "MB", large.end_mb, large.warm_mb, flat, warm, known),
    ]

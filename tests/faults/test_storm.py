"""Processes of all services die at random while learners learn: a generated week adds up.

`make faults MINUTES=30` goes on longer, with more than deaths (docs/faults.md).
"""

import asyncio
import random

import pytest
from standing_platform import Platform
from weeks import Playing, assert_adds_up, play_through, week_of

from pravah_cli.stack.processes import SERVICE_PROCESSES

SEED = 1
DEATHS = 4
RESENT_AT_MOST = 40

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(300)]


async def test_processes_die_at_random(platform: Platform) -> None:
    """Any process, API or stream, at any moment, comes back at once; everything adds up."""
    chance = random.Random(SEED)
    victims = chance.sample([process.name for process in SERVICE_PROCESSES], DEATHS)
    moments = sorted(chance.uniform(0, 1) for _ in victims)
    at_work: list[bool] = []

    async def strike(playing: Playing) -> None:
        async with asyncio.TaskGroup() as reviving:
            for victim, moment in zip(victims, moments, strict=True):
                await playing.until_sent(moment)
                at_work.append(playing.sent_share < 1)
                platform.kill(victim)
                reviving.create_task(asyncio.to_thread(platform.start, victim))

    scenario = week_of(30, seed=chance.randrange(1_000_000))
    summary = await play_through(scenario, platform, strike)
    resent = RESENT_AT_MOST if "notification-dispatch" in victims else 0
    assert any(at_work), "everything was sent before the first one died"
    try:
        assert_adds_up(summary, resent=resent)
    except AssertionError as error:
        error.add_note(f"killed {victims} at {moments}")
        raise

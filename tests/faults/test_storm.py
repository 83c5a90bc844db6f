"""Processes die at random while learners learn. `MINUTES=30 SEED=7 make faults` goes on longer."""

import asyncio
import os
import random
import time

import pytest
from standing_platform import Platform
from weeks import Playing, assert_adds_up, play_through, week_of

from pravah_cli.stack.processes import SERVICE_PROCESSES

MINUTES = float(os.environ.get("MINUTES") or 0)
SEED = int(os.environ.get("SEED") or 1)
DEATHS = 4
RESENT_AT_MOST = 40

pytestmark = [
    pytest.mark.stack,
    pytest.mark.slow,
    pytest.mark.timeout(300 + 60 * MINUTES),
]


async def test_processes_die_at_random(platform: Platform) -> None:
    """Any process, API or stream, at any moment: everything adds up, round after round."""
    chance = random.Random(SEED)
    ends = time.monotonic() + 60 * MINUTES
    while True:
        await one_round(platform, chance)
        if time.monotonic() >= ends:
            break


async def one_round(platform: Platform, chance: random.Random) -> None:
    """Play a week in which some processes die; whoever died comes back at once."""
    victims = chance.sample([process.name for process in SERVICE_PROCESSES], DEATHS)
    moments = sorted(chance.uniform(0, 1) for _ in victims)

    async def strike(playing: Playing) -> None:
        async with asyncio.TaskGroup() as reviving:
            for victim, moment in zip(victims, moments, strict=True):
                await playing.until_sent(moment)
                platform.kill(victim)
                reviving.create_task(asyncio.to_thread(platform.start, victim))

    scenario = week_of(30, seed=chance.randrange(1_000_000))
    summary = await play_through(scenario, platform, strike)
    resent = RESENT_AT_MOST if "notification-dispatch" in victims else 0
    try:
        assert_adds_up(summary, resent=resent)
    except AssertionError as error:
        error.add_note(f"killed {victims} at {moments}; repeat with SEED={SEED}")
        raise

"""SIGKILL to an operating-system process in the middle of its work: nothing lost, nothing doubled.

Each process is away while a whole week is sent, finds the backlog when it comes up, and dies when
it has begun, with work left. In-process cancellation would prove nothing: it runs `finally`. The
stream of progress dies in `test_harness.py`, at each of its steps, the relay in
shared/tests/outbox: here it would be through before anybody sees it begin.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from standing_platform import Platform
from watching import UNSETTLED, lag_of
from weeks import Playing, assert_adds_up, play_through, week_of

from pravah_cli.testing import eventually
from pravah_shared.mongo import Database

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(400)]

LEARNERS = 24
RESENT_AT_MOST = 20
"""Mails that a killed dispatcher had sent and not yet noted: one batch, as themselves."""
MAILS = {"channel": "email"}
SERVICES = ("certificate", "notification", "enrollment")
COMPLETED = {"terms": {"$elemMatch": {"completed_at": {"$ne": None}}}}


@pytest.mark.parametrize("service", SERVICES)
async def test_stream_killed_in_the_middle(
    service: str, platform: Platform, order_death: Callable[[str], None]
) -> None:
    """It dies between two batches of its backlog; all of the backlog comes, once."""
    scenario, name = week_of(LEARNERS, seed=len(service)), f"{service}-stream"

    async def dead() -> bool:
        return name not in platform.running

    async def kill_at_work(playing: Playing) -> None:
        await asyncio.to_thread(platform.stop, name)
        await playing.until_sent(1)
        order_death(name)
        platform.spawn(name)
        await eventually(dead, 90, f"{name} to begin and die")
        assert await lag_of(platform.settings, service), f"{name} had nothing left to do"
        await asyncio.to_thread(platform.start, name)

    assert_adds_up(await play_through(scenario, platform, kill_at_work))
    await completions_arrive(platform, list(scenario.learners), len(scenario.completions))


async def completions_arrive(platform: Platform, learners: list[str], wanted: int) -> None:
    """Wait until enrollment knows of all completions."""
    settings = platform.settings
    async with Database.connect(settings.mongo_uri, f"{platform.name}_enrollment") as database:
        enrollments = database.collection("enrollments")

        async def arrived() -> bool:
            found = await enrollments.count({"learner_id": {"$in": learners}, **COMPLETED})
            return found == wanted

        await eventually(arrived, 120, "all completions at enrollment")


async def test_dispatcher_killed_in_the_middle(platform: Platform) -> None:
    """It dies when the first mail is out; all come, and those sent again come as themselves."""
    scenario, settings = week_of(LEARNERS), platform.settings
    ours: dict[str, Any] = {"learner_id": {"$in": list(scenario.learners)}, **MAILS}
    database = Database.connect(settings.mongo_uri, f"{platform.name}_notification")
    ledger = database.collection("ledger")

    async def begun() -> bool:
        return await ledger.count({**ours, "state": "sent"}) > 0

    async def kill_at_work(playing: Playing) -> None:
        await asyncio.to_thread(platform.stop, "notification-dispatch")
        await playing.until_sent(1)
        platform.spawn("notification-dispatch")
        await eventually(begun, 90, "a first mail to kill at")
        platform.kill("notification-dispatch")
        left = await ledger.count({**ours, "state": {"$in": UNSETTLED}})
        assert left, "the dispatcher had nothing left to do"
        await asyncio.to_thread(platform.start, "notification-dispatch")

    try:
        summary = await play_through(scenario, platform, kill_at_work)
        assert_adds_up(summary, resent=RESENT_AT_MOST)
    finally:
        await database.close()

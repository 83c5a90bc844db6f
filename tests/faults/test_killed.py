"""SIGKILL to an operating-system process in the middle of its work: nothing lost, nothing doubled.

Each process is away while a whole week is sent, finds the backlog when it comes up, and is killed
as soon as its store shows that it has begun, with work left. In-process cancellation would prove
nothing: it runs `finally`. The stream of progress dies in `test_harness.py`, at each of its steps.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from standing_platform import Platform
from watching import UNSETTLED, lag_of
from weeks import Playing, assert_adds_up, play_through, week_of

from pravah_cli.testing import eventually
from pravah_shared.mongo import Database

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(400)]

Count = Callable[[], Awaitable[int]]
LEARNERS = 24
RESENT_AT_MOST = 20
"""Mails that a killed dispatcher had sent and not yet noted: one batch, as themselves."""

BEGUN: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "certificate-stream": ("certificate", "certificates", {}),
    "notification-stream": ("notification", "ledger", {}),
    "notification-dispatch": ("notification", "ledger", {"channel": "email", "state": "sent"}),
    "enrollment-stream": (
        "enrollment",
        "enrollments",
        {"terms": {"$elemMatch": {"completed_at": {"$ne": None}}}},
    ),
    "enrollment-relay": ("enrollment", "learners", {"outbox.0": {"$exists": False}}),
}
"""By process: the database, the collection and the filter of what it leaves when it has begun."""
LEFT: Mapping[str, dict[str, Any]] = {
    "notification-dispatch": {"channel": "email", "state": {"$in": UNSETTLED}},
    "enrollment-relay": {"outbox.0": {"$exists": True}},
}
"""What is still to do for those that are no streams; a stream's work is in Kafka."""


@pytest.mark.parametrize("name", BEGUN)
async def test_killed_in_the_middle(name: str, platform: Platform) -> None:
    """Killed with SIGKILL while it works off a backlog; all of the backlog comes, once."""
    scenario = week_of(LEARNERS, seed=len(name))
    service, collection, done = BEGUN[name]
    settings = platform.settings
    database = Database.connect(settings.mongo_uri, f"{platform.name}_{service}")
    # There the id is the learner.
    whose = "_id" if collection == "learners" else "learner_id"
    ours = {whose: {"$in": list(scenario.learners)}}

    async def count() -> int:
        return await database.collection(collection).count({**ours, **done})

    async def left() -> int:
        if name in LEFT:
            return await database.collection(collection).count({**ours, **LEFT[name]})
        return await lag_of(settings, service)

    async def kill_at_work(playing: Playing) -> None:
        await asyncio.to_thread(platform.stop, name)
        await playing.until_sent(1)
        before = await count()
        platform.spawn(name)
        await eventually(lambda: exceeds(count, before), 90, "a first effect to kill at")
        platform.kill(name)
        # Killed while idle, a process proves nothing.
        assert await left(), f"{name} had nothing left to do"
        await asyncio.to_thread(platform.start, name)

    try:
        summary = await play_through(scenario, platform, kill_at_work)
        completed = len(scenario.completions)
        assert_adds_up(summary, resent=RESENT_AT_MOST if name.endswith("dispatch") else 0)
        if name == "enrollment-stream":
            await eventually(lambda: equals(count, completed), 120, "all completions at enrollment")
    finally:
        await database.close()


async def exceeds(count: Count, before: int) -> bool:
    """Tell whether there are more than before."""
    return await count() > before


async def equals(count: Count, wanted: int) -> bool:
    """Tell whether there are as many as wanted."""
    return await count() == wanted

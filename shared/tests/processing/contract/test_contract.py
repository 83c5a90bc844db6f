"""What both engines promise (`pravah_shared.processing.runner`), on a real broker.

Each test ends by comparing what the broker says is committed with what the store and the topics
say is done: never with a counter of ours.
"""

import asyncio
import signal
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from pravah_shared.codec import Encoded, encode
from pravah_shared.events import PersonErased, Position, new_event
from pravah_shared.kafka.connection import client_options
from pravah_shared.processing.failpoints import POINTS, Point

pytestmark = [pytest.mark.stack, pytest.mark.slow]

Bench = Any
"""conftest.Bench: test modules are not packages and cannot import each other."""

AT = datetime(2026, 1, 5, tzinfo=UTC)
GARBAGE = Encoded("enrolled", b"garbage", b"\xff\x00", [("ce_type", b"\xfe")])
LEARNERS = [f"l-{number}" for number in range(40)]
BACKLOG = 2_000
"""Records: some seconds of work in batches of ten."""


async def ended(worker: asyncio.subprocess.Process, seconds: float = 30) -> int:
    """Return the exit code of a worker that ends by itself."""
    return await asyncio.wait_for(worker.wait(), seconds)


@pytest.mark.parametrize("point", POINTS)
async def test_killed_at_any_step_nothing_is_lost(bench: Bench, point: Point) -> None:
    """SIGKILL in the middle; whoever comes next finishes, and no offset had run ahead."""
    records = await bench.enroll(LEARNERS)
    bench.order_death(point)
    first = await bench.start("w")

    assert await ended(first) == -signal.SIGKILL
    assert await bench.passed_undone(records) == []
    if point != "after_commit":  # by then Faust, which commits by the clock, may be through
        assert sum((await bench.committed()).values()) < len(records)

    await bench.start("w")
    await bench.all_committed(records)
    assert set(bench.applied()) == set(records)
    assert await bench.started() == set(LEARNERS)


async def test_sigterm_during_an_in_place_retry_loses_nothing(bench: Bench) -> None:
    """Asked to stop while the store is away, the process leaves in time and commits nothing."""
    records = await bench.enroll(LEARNERS)
    bench.take_store_away()
    worker = await bench.start("w")
    await bench.says("w", "away")

    worker.terminate()
    assert await ended(worker) == 0
    assert await bench.committed() == {}

    bench.bring_store_back()
    await bench.start("w")
    await bench.all_committed(records)
    assert set(bench.applied()) == set(records)
    assert await bench.started() == set(LEARNERS)


async def test_sigterm_when_idle_commits_and_leaves_the_group(bench: Bench) -> None:
    """A stopped process repeats nothing, and its successor need not wait for its session."""
    records = await bench.enroll(LEARNERS)
    worker = await bench.start("first", static=False)
    await bench.all_committed(records)

    worker.terminate()
    assert await ended(worker) == 0

    assert await bench.members() == 0

    await bench.start("second", static=False)
    await bench.says("second", "joined")
    assert set(bench.applied().values()) == {1}


async def test_poison_at_the_head_stops_nobody(bench: Bench) -> None:
    """Undecodable bytes and a bug of ours become dead letters; everything else proceeds."""
    records = await bench.publisher.publish_records([GARBAGE])
    records += await bench.enroll(["poison", *LEARNERS])
    await bench.start("w")

    await bench.all_committed(records)
    assert await bench.started() == set(LEARNERS)
    letters = await bench.read("certificate.dead")
    assert {(letter.key, dict(letter.headers)["dead-reason"]) for letter in letters} == {
        (b"garbage", b"undecodable"),
        (b"poison", b"error"),
    }
    assert await bench.passed_undone(records, dead=records[:2]) == []


async def test_rebalance_during_a_store_outage_loses_nothing(bench: Bench) -> None:
    """Partitions change hands while their batch waits in a retry; the old hand commits none."""
    records = await bench.enroll(LEARNERS)
    bench.take_store_away()
    await bench.start("old", static=False)
    await bench.says("old", "away")
    new = await bench.start("new", static=False)
    await bench.says("new", "away")

    assert await bench.committed() == {}
    bench.bring_store_back()

    records += await bench.enroll([f"later-{number}" for number in range(10)])
    await bench.all_committed(records)
    assert await bench.passed_undone(records) == []
    assert set(bench.applied()) == set(records)
    assert new.returncode is None


async def test_partitions_move_back_and_forth_without_a_gap(bench: Bench) -> None:
    """Members come and go under a steady stream; every record has its effect."""
    records = await bench.enroll(LEARNERS)
    await bench.start("steady", static=False)
    await bench.says("steady", "joined")
    for turn in range(2):
        guest = await bench.start(f"guest-{turn}", static=False)
        records += await bench.enroll([f"t{turn}-a{number}" for number in range(20)])
        await bench.says(f"guest-{turn}", "joined")
        records += await bench.enroll([f"t{turn}-b{number}" for number in range(20)])
        guest.terminate()
        assert await ended(guest) == 0

    await bench.all_committed(records)
    assert set(bench.applied()) == set(records)


async def test_members_come_and_go_in_a_backlog_without_a_gap(bench: Bench) -> None:
    """Every queue is full, and every fetch may span a rebalance; one member dies on its way."""
    records = await bench.enroll([f"l-{number}" for number in range(BACKLOG)])
    await bench.start("steady", static=False)
    await bench.says("steady", "joined")
    for turn in range(3):
        guest = await bench.start(f"guest-{turn}", static=False)
        await bench.says(f"guest-{turn}", "joined")
        if turn == 1:
            bench.order_death("before_commit")  # of either; the other goes on
        else:
            guest.terminate()
        assert await bench.passed_undone(records) == []

    await bench.start("last", static=False)
    await bench.all_committed(records)
    assert await bench.passed_undone(records) == []
    assert set(bench.applied()) == set(records)


async def test_aborted_records_are_unseen_and_tombstones_arrive(bench: Bench) -> None:
    """Reads committed transactions only, and erasures keep their key though they have no value."""
    erased = [
        encode(new_event(PersonErased(learner_id=f"p-{n}"), source="/t", time=AT)) for n in range(3)
    ]
    producer = AIOKafkaProducer(
        **client_options(bench.settings), transactional_id=bench.settings.topic_prefix
    )
    await producer.start()
    kept: list[Position] = []
    try:
        for aborts in (True, False, True, False):
            await producer.begin_transaction()
            sent = [
                await producer.send_and_wait(
                    f"{bench.settings.topic_prefix}people",
                    one.value,
                    one.key,
                    partition=0,
                    headers=one.headers,
                )
                for one in erased
            ]
            if aborts:
                await producer.abort_transaction()
            else:
                await producer.commit_transaction()
                kept += [Position("people", 0, found.offset) for found in sent]
    finally:
        await producer.stop()
    await bench.start("w")

    await bench.all_committed(kept)
    assert set(bench.applied()) == set(kept)

"""Whatever waits reaches Kafka, in order per document, once unless a process died."""

import asyncio
import itertools
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pravah_cli.testing import Deployment, eventually
from pravah_shared.errors import BrokerUnavailable, Fenced, StoreUnavailable
from pravah_shared.events import Event, Person, Position
from pravah_shared.mongo import Collection
from pravah_shared.outbox import Leases, Source
from pravah_shared.telemetry import metrics

pytestmark = pytest.mark.stack


def versions(events: Sequence[Event[Any]]) -> dict[str, list[int]]:
    """Return each learner's versions in the order of the topic."""
    found: dict[str, list[int]] = {}
    for event in events:
        found.setdefault(event.subject, []).append(event.data.version)
    return found


async def test_everything_is_published_in_order_per_document(bench: Any) -> None:
    """Versions of one learner follow each other, and the outboxes are empty."""
    for version, learner in itertools.product(range(1, 4), range(30)):
        await bench.write(f"l-{learner}", version)
    relay = bench.relay("one")
    running = asyncio.create_task(relay.run())
    await eventually(lambda: empty(bench), 20, "outboxes empty")
    await relay.stop()
    await running
    assert versions(await bench.published()) == {f"l-{n}": [1, 2, 3] for n in range(30)}


async def test_two_relays_at_once_share_and_double_nothing(bench: Any) -> None:
    """While learners go on writing."""
    relays = [bench.relay(owner, shards=4) for owner in ("one", "two")]
    running = [asyncio.create_task(relay.run()) for relay in relays]
    for version, learner in itertools.product(range(1, 4), range(40)):
        await bench.write(f"l-{learner}", version)
    await eventually(lambda: empty(bench), 30, "outboxes empty")
    for relay in relays:
        await relay.stop()
    await asyncio.gather(*running)
    assert versions(await bench.published()) == {f"l-{n}": [1, 2, 3] for n in range(40)}


async def test_a_stopped_relay_makes_nobody_wait(bench: Any) -> None:
    """It gives its shards back: the next one need not wait for the lease to end."""
    first, second = bench.relay("one"), bench.relay("two")
    running = asyncio.create_task(first.run())
    await eventually(lambda: ready(first), 10, "first relay")
    await bench.write("a", 1)
    await eventually(lambda: empty(bench), 10, "outboxes empty")
    await first.stop()
    await running
    await bench.write("a", 2)
    assert await second.turn() == 1
    await end(second)


class Paused:
    """A shard's producer whose process is stopped (SIGSTOP) when it is about to publish."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.reached, self.resumed = asyncio.Event(), asyncio.Event()

    async def start(self) -> None:
        """Start the real one."""
        await self._real.start()

    async def stop(self) -> None:
        """Stop the real one."""
        await self._real.stop()

    async def publish(self, events: Sequence[Event[Any]]) -> list[Position]:
        """Wait to be resumed, believing that no time has passed."""
        self.reached.set()
        await self.resumed.wait()
        positions: list[Position] = await self._real.publish(events)
        return positions


async def test_a_zombie_can_publish_nothing(bench: Any) -> None:
    """Version 1, read before the pause, never follows version 2, published during it."""
    paused = Paused(bench.publisher("zombie", "relay-0-of-1"))
    zombie = bench.relay("zombie", publisher_for=lambda _: paused)
    await bench.write("a", 1)
    await zombie._leases.prepare(["relay-0-of-1"])
    turning = asyncio.create_task(zombie.turn())
    await paused.reached.wait()
    later = Leases(bench.leases, "heir", now=lambda: datetime.now(UTC) + timedelta(minutes=1))
    heir = bench.relay("heir", leases=later)
    await bench.write("a", 2)
    assert await heir.turn() == 2
    paused.resumed.set()
    assert await turning == 0
    assert await zombie.turn() == 0
    assert versions(await bench.published()) == {"a": [1, 2]}
    await end(zombie)
    await end(heir)


class Failing:
    """A collection whose bulks fail: published, but not pulled."""

    def __init__(self, real: Collection) -> None:
        self._real, self.name = real, real.name
        self.find = real.find

    async def bulk(self, writes: Sequence[Any]) -> int:
        """Fail."""
        raise StoreUnavailable("away")


async def test_published_but_not_pulled_is_repeated_under_the_same_id(bench: Any) -> None:
    """Readers recognise the repeat."""
    first = await bench.write("a", 1)
    second = await bench.write("a", 2)
    failing: Any = Failing(bench.people)
    crashing = bench.relay("one", sources=[Source(failing)])
    await crashing._leases.prepare(["relay-0-of-1"])
    with pytest.raises(StoreUnavailable):
        await crashing.turn()
    await crashing._leases.release("relay-0-of-1")
    heir = bench.relay("two")
    assert await heir.turn() == 2
    ids = [event.id for event in await bench.published()]
    assert ids == [first.id, second.id, first.id, second.id]
    assert await bench.waiting() == []
    await end(heir)


async def test_a_process_killed_after_publishing_repeats_the_same_events(
    bench: Any, deployment: Deployment
) -> None:
    """SIGKILL of the operating system's process between Kafka's acknowledgement and the pull."""
    for version, learner in itertools.product((1, 2), range(5)):
        await bench.write(f"l-{learner}", version)
    wanted = set(await bench.waiting())
    dying = await asyncio.create_subprocess_exec(
        sys.executable,
        Path(__file__).with_name("dying_relay.py"),
        env={**os.environ, **deployment.environment("shared")},
    )
    assert await asyncio.wait_for(dying.wait(), 60) == -signal.SIGKILL
    assert len(await bench.waiting()) == 10
    later = Leases(bench.leases, "heir", now=lambda: datetime.now(UTC) + timedelta(minutes=1))
    heir = bench.relay("heir", leases=later)
    assert await heir.turn() == 10
    events = await bench.published()
    assert len(events) == 20
    assert {event.id for event in events} == wanted
    assert await bench.waiting() == []
    await end(heir)


class Away:
    """A producer that Kafka does not answer."""

    async def start(self) -> None:
        """Connect to nothing."""

    async def stop(self) -> None:
        """Disconnect from nothing."""

    async def publish(self, events: Sequence[Event[Any]]) -> list[Position]:
        """Fail."""
        raise BrokerUnavailable("away")


async def test_the_oldest_age_shows_an_outage_and_its_end(bench: Any) -> None:
    """The metric that pages somebody grows while nothing leaves, and falls to zero after."""

    def age() -> float:
        value: float = metrics.OUTBOX_OLDEST_SECONDS.labels("people")._value.get()
        return value

    def in_an_hour() -> datetime:
        return datetime.now(UTC) + timedelta(hours=1)

    await bench.write("a", 1)
    relay = bench.relay("one", publisher_for=lambda _: Away(), now=in_an_hour)
    await relay._leases.prepare(["relay-0-of-1"])
    with pytest.raises(BrokerUnavailable):
        await relay.turn()
    assert 3600 <= age() < 3660
    relay._publisher_for = lambda lease: bench.publisher("one", lease)
    assert await relay.turn() == 1
    assert await relay.turn() == 0
    assert age() == 0
    await end(relay)


async def test_the_writers_own_way_gets_its_time_first(bench: Any) -> None:
    """A relay that steps in at once would publish everything twice."""
    await bench.write("a", 1)
    patient = bench.relay("one", sources=[Source(bench.people, grace_seconds=60)])
    await patient._leases.prepare(["relay-0-of-1"])
    assert await patient.turn() == 0
    assert len(await bench.waiting()) == 1
    await end(patient)


async def test_an_event_that_cannot_be_published_holds_up_no_other(bench: Any) -> None:
    """It stays, and its age goes on rising; all else leaves, in order."""
    for n in range(6):
        await bench.write(f"l-{n}", 1)
    unreadable = {"_id": "l-2", "outbox.type": {"$exists": True}}
    await bench.people.update_one(unreadable, {"$set": {"outbox.0.type": "org.pravah.unknown.v9"}})
    relay = bench.relay("one")
    await relay._leases.prepare(["relay-0-of-1"])
    assert await relay.turn() == 5
    assert await relay.turn() == 0
    assert set(versions(await bench.published())) == {"l-0", "l-1", "l-3", "l-4", "l-5"}
    assert len(await bench.waiting()) == 1
    await end(relay)


async def test_many_events_that_cannot_be_published_hide_no_other(
    bench: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest are read first; passed by, they still show their age, and are asked again."""
    monkeypatch.setattr("pravah_shared.outbox.relay.BATCH", 3)
    for n in range(7):
        await bench.write(f"l-{n}", 1)
    for n in range(7):
        unreadable = {"$set": {"outbox.0.type": "org.pravah.unknown.v9"}}
        await bench.people.update_one({"_id": f"l-{n}"}, unreadable)
    await bench.write("late", 1)
    passed = timedelta()
    relay = bench.relay("one", now=lambda: datetime.now(UTC) + passed)
    await relay._leases.prepare(["relay-0-of-1"])
    assert await relay.turn() == 1
    assert versions(await bench.published()) == {"late": [1]}
    passed = timedelta(seconds=30)
    assert await relay.turn() == 0
    assert metrics.OUTBOX_OLDEST_SECONDS.labels("people")._value.get() >= 30
    mended = {"$set": {"outbox.0.type": Person.type}}
    await bench.people.update_one({"_id": "l-3"}, mended)
    passed = timedelta(seconds=90)
    assert await relay.turn() == 1
    assert versions(await bench.published()) == {"late": [1], "l-3": [1]}
    await end(relay)


class Late(Away):
    """A producer whose transactional id another one claims at the same moment."""

    async def start(self) -> None:
        """Lose."""
        raise Fenced("another was later")


async def test_a_relay_that_is_fenced_at_its_start_goes_on(bench: Any) -> None:
    """Its other shards are served; that one it asks for anew."""
    makes: list[Any] = [Late()]
    await bench.write("a", 1)
    relay = bench.relay(
        "one", publisher_for=lambda lease: makes.pop() if makes else bench.publisher("one", lease)
    )
    await relay._leases.prepare(["relay-0-of-1"])
    assert await relay.turn() == 0
    assert await relay.turn() == 1
    await end(relay)


async def end(relay: Any) -> None:
    """Close a relay that was turned by hand."""
    await relay.stop()
    await relay.run()


async def empty(bench: Any) -> bool:
    """Whether nothing waits."""
    return not await bench.waiting()


async def ready(relay: Any) -> bool:
    """Whether the relay works."""
    return bool(relay.ready)

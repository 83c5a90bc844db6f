"""The contract that needs no dying process, over the fake engine and both real ones.

What a process's death shows is in `contract/`. Here the engines run inside the test's own event
loop, as they run inside a service, with warnings as errors.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from pravah_cli.testing.fake_kafka import FakeKafka, FakeRunner
from pravah_cli.testing.waiting import eventually
from pravah_shared.errors import BreakerOpen, StoreUnavailable
from pravah_shared.events import Enrolled, Event, Position, new_event
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.processing import Outcome, Runner
from pravah_shared.processing.aiokafka_runner import AiokafkaRunner
from pravah_shared.processing.breaker import Breaker
from pravah_shared.processing.faust_runner import FaustRunner
from pravah_shared.processing.health import Health
from pravah_shared.processing.loop import Loop
from pravah_shared.processing.retry import Retry
from pravah_shared.processing.stream import Stream
from pravah_shared.processing.sweeper import Sweeper
from pravah_shared.settings import Settings

SECONDS = 30.0
AT = datetime(2026, 1, 5, tzinfo=UTC)
Offsets = dict[tuple[str, int], int]


class Applying:
    """Applies enrollments, unless the test broke something."""

    topics = frozenset({"enrolled"})

    def __init__(self) -> None:
        self.applied: set[str] = set()
        self.swept = 0
        self.store_away = False
        self.broken = False

    async def handle(self, batch: Sequence[Event[Any]]) -> Outcome:
        """Apply or raise."""
        if self.store_away:
            raise StoreUnavailable("the test took the store away")
        if self.broken:
            raise ZeroDivisionError
        self.applied |= {event.subject for event in batch}
        return Outcome()

    async def sweep(self) -> Outcome:
        """Count."""
        self.swept += 1
        return Outcome()


@dataclass
class Bench:
    """A runner of one engine with the broker it reads from."""

    runner: Runner
    handler: Applying
    publisher: Any
    committed: Callable[[], Awaitable[Offsets]]

    async def enroll(self, *learners: str) -> list[Position]:
        """Put enrollments on the topic."""
        events = [
            new_event(
                Enrolled(
                    enrollment_id="e",
                    learner_id=learner,
                    course_id="c",
                    term=1,
                    course_version=1,
                    enrolled_at=AT,
                ),
                source="/t",
                time=AT,
            )
            for learner in learners
        ]
        positions: list[Position] = await self.publisher.publish(events)
        return positions

    async def passed(self, records: Sequence[Position]) -> bool:
        """Whether the group's offsets have passed all `records`."""
        committed = await self.committed()
        return all(committed.get((one.topic, one.partition), 0) > one.offset for one in records)


def stream_of(settings: Settings, handler: Applying, publisher: Any) -> Stream:
    """Wire a stream whose breaker opens at the third dead letter."""
    group = f"{settings.group_prefix}certificate"
    retry = Retry(Health(group), first_seconds=0.01, most_seconds=0.05)
    breaker = Breaker(window_records=10, most_share=0.2)
    loop = Loop("certificate", handler, publisher, retry=retry, breaker=breaker)
    return Stream(settings, group, loop, Sweeper(loop, seconds=60))


async def fake_bench() -> AsyncIterator[Bench]:
    """Yield the fake engine."""
    kafka, handler = FakeKafka(), Applying()
    settings = Settings(topic_prefix="t.", group_prefix="t-", stop_grace_seconds=5)

    async def committed() -> Offsets:
        return dict(kafka.committed)

    yield Bench(FakeRunner(stream_of(settings, handler, kafka), kafka), handler, kafka, committed)


async def real_bench(engine: Any, deployment: Any, group_offsets: Any) -> AsyncIterator[Bench]:
    """Yield a real engine on the real broker."""
    handler, settings = Applying(), deployment.settings(Settings, stop_grace_seconds=5)

    async def committed() -> Offsets:
        found: Offsets = await group_offsets(settings, f"{settings.group_prefix}certificate")
        return found

    async with Publisher(settings, client_id="bench") as publisher:
        stream = stream_of(settings, handler, publisher)
        yield Bench(engine(stream), handler, publisher, committed)


@pytest.fixture(
    params=[
        pytest.param(None, id="fake"),
        pytest.param(AiokafkaRunner, id="aiokafka", marks=pytest.mark.stack),
        pytest.param(FaustRunner, id="faust", marks=pytest.mark.stack),
    ]
)
def engine_and_deployment(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """Return the engine and where it runs: the fake needs no stack, so asks for none."""
    return request.param, request.param and request.getfixturevalue("deployment")


@pytest.fixture
async def bench(engine_and_deployment: tuple[Any, Any], group_offsets: Any) -> AsyncIterator[Bench]:
    """Yield the bench, once for each engine."""
    engine, deployment = engine_and_deployment
    made = real_bench(engine, deployment, group_offsets) if engine else fake_bench()
    async for one in made:
        yield one


async def test_everything_is_applied_and_committed(bench: Bench) -> None:
    """Begins at the earliest record, sweeps at once, is ready, and ends when asked to."""
    early = await bench.enroll(*(f"early-{n}" for n in range(20)))
    running = asyncio.ensure_future(bench.runner.run())
    ready_at_once = bench.runner.ready
    await eventually(lambda: bench.passed(early), SECONDS, "early records committed")
    late = await bench.enroll(*(f"late-{n}" for n in range(20)))
    await eventually(lambda: bench.passed(late), SECONDS, "late records committed")

    assert len(bench.handler.applied) == 40
    assert bench.handler.swept == 1
    assert (ready_at_once, bench.runner.ready) == (False, True)
    assert bench.runner.alive()

    await bench.runner.stop()
    await asyncio.wait_for(running, SECONDS)
    assert not bench.runner.ready


async def test_an_outage_makes_it_unready_until_it_ends(bench: Bench) -> None:
    """The batch waits, its offsets with it."""
    bench.handler.store_away = True
    records = await bench.enroll("a", "b", "c")
    running = asyncio.ensure_future(bench.runner.run())

    async def unready_after_joining() -> bool:
        return joined(bench.runner) and not bench.runner.ready

    await eventually(unready_after_joining, SECONDS, "unready")
    assert bench.runner.alive()
    assert await bench.committed() == {}

    bench.handler.store_away = False
    await eventually(lambda: bench.passed(records), SECONDS, "records committed")
    assert bench.runner.ready
    await bench.runner.stop()
    await asyncio.wait_for(running, SECONDS)


async def test_an_open_breaker_halts_it_with_the_offsets_unmoved(bench: Bench) -> None:
    """Unready and alive it waits for a person; stopped, it says why."""
    bench.handler.broken = True
    await bench.enroll(*(f"l-{n}" for n in range(20)))
    running = asyncio.ensure_future(bench.runner.run())

    async def halted() -> bool:
        return halted_by(bench.runner) is not None

    await eventually(halted, SECONDS, "halted")
    assert not bench.runner.ready
    assert bench.runner.alive()
    assert not running.done()

    await bench.runner.stop()
    with pytest.raises(BreakerOpen):
        await asyncio.wait_for(running, SECONDS)
    assert await bench.committed() == {}


@pytest.mark.parametrize("engine", [AiokafkaRunner, FaustRunner])
async def test_without_a_broker_it_waits_and_can_be_stopped(engine: Any) -> None:
    """A service comes up while Kafka is away: alive, unready, and it ends when asked to."""
    settings = Settings(kafka_bootstrap="127.0.0.1:1", stop_grace_seconds=0.1)
    stream = stream_of(settings, Applying(), FakeKafka())
    runner = engine(stream)
    running = asyncio.ensure_future(runner.run())

    async def waiting() -> bool:
        return stream.health._waiting > 0

    await eventually(waiting, SECONDS, "waiting for a broker")
    assert not runner.ready
    assert runner.alive()
    await runner.stop()
    await asyncio.wait_for(running, SECONDS)


def joined(runner: Any) -> bool:
    """Whether it has its partitions, away store or not."""
    found: bool = runner._stream.health.joined
    return found


def halted_by(runner: Any) -> BaseException | None:
    """Return what halted it."""
    found: BaseException | None = runner._stream.health.halted_by
    return found

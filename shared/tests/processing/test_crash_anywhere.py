"""Wherever the process dies, whoever else takes over: nothing is lost, nobody good is buried.

The oracle is what the test put on the topic and what each learner's name says must become of it;
it shares no code with the loop.
"""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any, ClassVar

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from pravah_cli.testing.fake_kafka import FakeKafka, FakeRunner
from pravah_shared.codec import Encoded, encode
from pravah_shared.errors import StoreUnavailable
from pravah_shared.events import Enrolled, Event, Started, new_event
from pravah_shared.processing import Outcome
from pravah_shared.processing.breaker import Breaker
from pravah_shared.processing.health import Health
from pravah_shared.processing.loop import Loop
from pravah_shared.processing.offsets import Offsets
from pravah_shared.processing.retry import Retry
from pravah_shared.processing.stream import Stream
from pravah_shared.processing.sweeper import Sweeper
from pravah_shared.settings import Settings

AT = datetime(2026, 1, 5, tzinfo=UTC)
STEPS = ("handle", "apply", "publish", "acknowledge", "commit")
IDENTITY = {"enrollment_id": "e", "course_id": "c", "term": 1}


class Crash(BaseException):
    """The process is gone. No `except Exception` may see it."""


class World:
    """What outlives a process: Kafka, the store, and the test's plan for the next fault."""

    def __init__(self) -> None:
        self.kafka = FakeKafka(partitions=2)
        self.applied: set[str] = set()
        self.announced: set[str] = set()
        self.furthest: dict[Any, int] = {}
        self.die_before: str | None = None
        self.outages = 0
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    def reach(self, step: str) -> None:
        """Die here, if that is the plan."""
        if self.die_before == step:
            self.die_before = None
            raise Crash


class Applying:
    """Apply, answer who is not announced yet, announce. `bug…` learners break our rules."""

    topics = frozenset({"enrolled"})

    def __init__(self, world: World) -> None:
        self._world = world

    async def handle(self, batch: Sequence[Event[Any]]) -> Outcome:
        """Apply the batch, unless the store is away."""
        world = self._world
        world.reach("handle")
        if world.meanwhile is not None:
            meanwhile, world.meanwhile = world.meanwhile, None
            await meanwhile()
        if world.outages:
            world.outages -= 1
            raise StoreUnavailable("planned")
        learners = [event.subject for event in batch]
        if any(learner.startswith("bug") for learner in learners):
            raise ZeroDivisionError(learners[0])
        world.applied |= set(learners)
        world.reach("apply")
        new = [learner for learner in learners if learner not in world.announced]
        return Outcome([answer(one) for one in new], acknowledge=partial(self.announce, new))

    async def announce(self, learners: Sequence[str]) -> None:
        """Mark what Kafka has."""
        self._world.reach("acknowledge")
        self._world.announced |= set(learners)

    async def sweep(self) -> Outcome:
        """Nothing is left over."""
        return Outcome()


class Reaching:
    """Kafka as the loop publishes to it, with a place to die in the middle of it."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def publish(self, events: Sequence[Event[Any]]) -> Any:
        """Publish the first half, perhaps die, publish all."""
        if self._world.die_before == "publish":
            await self._world.kafka.publish(events[: len(events) // 2])
        self._world.reach("publish")
        return await self._world.kafka.publish(events)

    async def publish_records(self, records: Sequence[Encoded]) -> Any:
        """Publish dead letters."""
        return await self._world.kafka.publish_records(records)


def answer(learner_id: str) -> Event[Started]:
    """Return what must follow from an enrollment."""
    return new_event(
        Started(**IDENTITY, learner_id=learner_id, started_at=AT), source="/t", time=AT
    )


def enrollment(learner_id: str) -> Encoded:
    """Return an enrollment's record; a learner `raw…` has bytes that nobody can read."""
    facts = Enrolled(**IDENTITY, learner_id=learner_id, course_version=1, enrolled_at=AT)
    record = encode(new_event(facts, source="/t", time=AT))
    if learner_id.startswith("raw"):
        return Encoded(record.topic, record.key, b"\xff", record.headers)
    return record


def learners_on(world: World, topic: str) -> set[str]:
    """Return whom the records of a topic are about."""
    return {(record.key or b"").decode() for record in world.kafka.read(topic)}


async def no_sleep(_seconds: float) -> None:
    """Wait no time."""


class CommitBreaks(FakeRunner):
    """The fake engine with a place to die between the batch and its commit."""

    def __init__(self, stream: Stream, world: World) -> None:
        super().__init__(stream, world.kafka)
        self.world = world

    def commit(self) -> None:
        """Die or commit."""
        self.world.reach("commit")
        super().commit()
        for at, offset in self.world.kafka.committed.items():
            self.world.furthest[at] = max(offset, self.world.furthest.get(at, 0))


def process(world: World, runner: type[CommitBreaks]) -> CommitBreaks:
    """Start a process: nothing of an earlier one is in its memory."""
    chosen = Settings(topic_prefix="", batch_records=3)
    retry = Retry(Health("crash"), sleep=no_sleep)
    breaker = Breaker(window_records=10_000)
    loop = Loop("test", Applying(world), Reaching(world), retry=retry, breaker=breaker)
    started = runner(Stream(chosen, "crash", loop, Sweeper(loop, seconds=60)), world)
    started.rebalance()
    return started


class CrashAnywhere(RuleBasedStateMachine):
    """Wherever the process dies, a committed record has its effect and its answer."""

    runner_type: ClassVar[type[CommitBreaks]] = CommitBreaks

    @initialize()
    def begin(self) -> None:
        """One world, one process."""
        self.world = World()
        self.names = itertools.count()
        self.turns = asyncio.Runner()
        self.restart()

    def another(self) -> CommitBreaks:
        """Return a new process in this world."""
        return process(self.world, self.runner_type)

    def restart(self) -> None:
        """Replace the process by a new one."""
        self.runner = self.another()

    def turn(self) -> int:
        """Run one batch."""
        return self.turns.run(self.runner.turn())

    @rule(kinds=st.lists(st.sampled_from(["good", "good", "good", "bug", "raw"]), min_size=1))
    def append(self, kinds: list[str]) -> None:
        """Put records on the topic: most are good."""
        records = [enrollment(f"{kind}-{next(self.names)}") for kind in kinds]
        self.turns.run(self.world.kafka.publish_records(records))

    @rule()
    def deliver(self) -> None:
        """Run a batch; nothing goes wrong."""
        self.turn()

    @rule(step=st.sampled_from(STEPS))
    def die_before(self, step: str) -> None:
        """Run a batch, die in the middle of it, begin anew."""
        self.world.die_before = step
        with suppress(Crash):
            self.turn()
        self.world.die_before = None
        self.restart()

    @rule(outages=st.integers(min_value=1, max_value=5))
    def store_goes_away(self, outages: int) -> None:
        """Run a batch through an outage of the store."""
        self.world.outages = outages
        self.turn()
        self.world.outages = 0

    @rule(turns=st.integers(min_value=0, max_value=3))
    def lose_partitions_in_the_middle(self, turns: int) -> None:
        """While this process handles a batch, another takes over, goes on, and is gone again."""
        other = self.another()

        async def meanwhile() -> None:
            for _ in range(turns):
                await other.turn()
            self.runner.rebalance()

        self.world.meanwhile = meanwhile
        self.turn()
        self.world.meanwhile = None
        self.runner.rebalance()

    @invariant()
    def offsets_only_grow(self) -> None:
        """What one member committed, no other takes back."""
        assert self.world.kafka.committed == self.world.furthest

    @invariant()
    def nothing_committed_is_undone(self) -> None:
        """What the group will never see again has its effect and answer, or is a dead letter."""
        passed = {
            (record.key or b"").decode()
            for at, offset in self.world.kafka.committed.items()
            for record in self.world.kafka.fetch(at, 0, offset)
        }
        good = {learner for learner in passed if learner.startswith("good")}
        assert good <= self.world.applied
        assert good <= learners_on(self.world, "completed")
        assert passed - good <= learners_on(self.world, "test.dead")

    @invariant()
    def nobody_good_is_buried(self) -> None:
        """No crash, outage or neighbour makes a dead letter of a good record."""
        assert not {one for one in learners_on(self.world, "test.dead") if one.startswith("good")}

    def teardown(self) -> None:
        """Left alone, it finishes everything."""
        if not hasattr(self, "world"):
            return
        self.restart()
        while self.turn():
            pass
        everyone = learners_on(self.world, "enrolled")
        good = {learner for learner in everyone if learner.startswith("good")}
        try:
            assert self.world.applied == self.world.announced == good
            assert learners_on(self.world, "completed") == good
            assert learners_on(self.world, "test.dead") == everyone - good
        finally:
            self.turns.close()


class CommitsFirst(CommitBreaks):
    """The seeded fault: offsets pass before the work, as auto-commit does."""

    async def turn(self) -> int:
        """Commit all that is there, then run it."""
        ends = {at: len(self.world.kafka.fetch(at, 0, 10**6)) for at in self._positions}
        self._offsets.done(self._offsets.epoch, ends)
        self.commit()
        return await super().turn()


SETTINGS = settings(
    max_examples=300,
    stateful_step_count=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

FINDS = settings(SETTINGS, database=None, phases=[Phase.generate], report_multiple_bugs=False)
"""To find a seeded fault: its shortest history is of no interest."""


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """Thousands of planned deaths are not worth a line each."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.configure(**before)


TestCrashAnywhere = CrashAnywhere.TestCase
TestCrashAnywhere.settings = SETTINGS


def test_the_machine_finds_commits_that_come_first() -> None:
    """Else it would prove nothing."""

    class Faulty(CrashAnywhere):
        runner_type = CommitsFirst

    with pytest.raises(AssertionError):
        run_state_machine_as_test(Faulty, settings=FINDS)


def test_the_machine_finds_an_acknowledgement_that_comes_before_publishing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A crash in between would leave an answer that nobody will ever publish."""

    async def acknowledge_first(self: Loop, outcome: Outcome) -> None:
        await outcome.acknowledge()
        await self._publisher.publish(outcome.events)

    monkeypatch.setattr(Loop, "_conclude", acknowledge_first)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(CrashAnywhere, settings=FINDS)


def test_the_machine_finds_an_outage_that_becomes_dead_letters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The mistake of every broad `except`."""

    async def ask_once(_self: Retry, _step: str, ask: Callable[[], Any]) -> Any:
        return await ask()

    monkeypatch.setattr(Retry, "__call__", ask_once)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(CrashAnywhere, settings=FINDS)


def test_the_machine_finds_commits_for_partitions_that_moved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A zombie's number would set back what the new owner committed."""
    done = Offsets.done

    def whenever(self: Offsets[Any], _epoch: int, next_offsets: Any) -> None:
        done(self, self.epoch, next_offsets)

    monkeypatch.setattr(Offsets, "done", whenever)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(CrashAnywhere, settings=FINDS)

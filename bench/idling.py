"""`python -m bench.idling`: a stream whose handler does nothing, in a process like a service's.

Reads a `Reading` as JSON from standard input, reads the topic through, commits, and prints the
`Rate`: from the first batch that the handler was given to the last.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

from faust.transport.drivers.aiokafka import Consumer

from bench.results import Rate
from pravah_cli.testing.fake_kafka import FakeKafka
from pravah_shared.events import Event
from pravah_shared.processing import Engine, Outcome, build_runner
from pravah_shared.processing.faust_client import HandledOnlyConsumer, HandledOnlyTransport
from pravah_shared.service import Stop, run_process
from pravah_shared.settings import Settings

SERVICE = "bench"
DEADLINE_SECONDS = 300.0

Intake = Literal["direct", "faust", "aiokafka"]
"""The Faust engine with our intake or with Faust's own; the aiokafka engine."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What to read, how, and how much of it there is."""

    intake: Intake
    kafka: str
    topic_prefix: str
    group_prefix: str
    records: int

    @property
    def group(self) -> str:
        """The consumer group."""
        return f"{self.group_prefix}{SERVICE}"


class FaustsOwn(HandledOnlyConsumer):
    """Faust's intake under our offsets."""

    _drain_messages = Consumer._drain_messages  # noqa: SLF001 - what ours replaces
    on_buffer_full = Consumer.on_buffer_full
    on_buffer_drop = Consumer.on_buffer_drop


class Mark(NamedTuple):
    """So many events had come; when that was, and the CPU time until then."""

    events: int
    at: float
    cpu_seconds: float


@dataclass(slots=True)
class Idle:
    """Does nothing but note when it was asked to, until `records` have come."""

    records: int
    marks: list[Mark] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    topics: frozenset[str] = frozenset({"enrolled"})

    async def handle(self, batch: Sequence[Event[Any]]) -> Outcome:
        """Note the batch."""
        before = self.marks[-1].events if self.marks else 0
        self.marks.append(Mark(before + len(batch), time.perf_counter(), time.process_time()))
        if self.marks[-1].events >= self.records:
            self.done.set()
        return Outcome()

    async def sweep(self) -> Outcome:
        """Nothing."""
        return Outcome()

    def rate(self) -> Rate:
        """Return the rate from the first batch to the last."""
        first, last = self.marks[0], self.marks[-1]
        return Rate(
            last.events - first.events, last.at - first.at, last.cpu_seconds - first.cpu_seconds
        )


async def read_through(reading: Reading, settings: Settings, idle: Idle) -> None:
    """Run until everything has come and is committed.

    Raises:
        TimeoutError: it does not come.
    """
    if reading.intake == "faust":
        HandledOnlyTransport.Consumer = FaustsOwn
    engine: Engine = "aiokafka" if reading.intake == "aiokafka" else "faust"
    runner = build_runner(engine, settings, SERVICE, idle, FakeKafka())
    running = asyncio.ensure_future(runner.run())
    async with asyncio.timeout(DEADLINE_SECONDS):
        await idle.done.wait()
        await runner.stop()
        await running


def main(reading: Reading) -> int:
    """Read through, print the rate; return the exit code."""
    settings = Settings(
        kafka_bootstrap=reading.kafka,
        topic_prefix=reading.topic_prefix,
        group_prefix=reading.group_prefix,
    )
    idle = Idle(reading.records)

    async def run(_: Stop) -> None:
        await read_through(reading, settings, idle)

    code = run_process(run, service=SERVICE, settings=settings)
    if code == 0:
        print(json.dumps(asdict(idle.rate())))
    return code


if __name__ == "__main__":
    sys.exit(main(Reading(**json.load(sys.stdin))))

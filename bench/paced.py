"""`python -m bench.paced`: reports at an even pace, and how long until their completions appear.

A process of its own that sends, consumes the `completed` topic and so has both times on one
clock. Beside it, in the same process and under the same load, it makes bare round trips: a record
produced with acks=all and consumed by the same consumer. Reads a `Pace` as JSON from standard
input and prints a `Report` as JSON. Loopback only.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from statistics import quantiles

import aiohttp
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench import learning
from bench.load import ANSWER_SECONDS, HOST, PATH, body_of
from pravah_cli.testing import eventually

TICK_SECONDS = 0.005
PROBE_SECONDS = 0.05
LEAST_SAMPLES = 2
SETTLE_SECONDS = 10.0
"""After the last report: by then its completion has come, or it will not."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What to send: `per_second` reports for so many seconds, of these learners in turn."""

    port: int
    token: str
    kafka: str
    completed: str
    probes: str
    """A topic that nobody else uses, for the bare round trips."""
    first_learner: int
    learners: int
    per_second: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Report:
    """Milliseconds from sending a report to seeing its completion; `bare_*`: of a bare record."""

    samples: int
    p50_ms: float
    p99_ms: float
    bare_p50_ms: float
    bare_p99_ms: float
    missing: int
    statuses: dict[str, int]


@dataclass(slots=True)
class _Clock:
    """When each learner's last report was sent, and what has come back since."""

    sent: dict[str, float] = field(default_factory=dict)
    due: set[str] = field(default_factory=set)
    seconds: list[float] = field(default_factory=list)
    bare_sent: dict[bytes, float] = field(default_factory=dict)
    bare_seconds: list[float] = field(default_factory=list)

    def came(self, key: bytes, *, bare: bool) -> None:
        """Take note of a record."""
        now = time.perf_counter()
        if bare and (sent := self.bare_sent.pop(key, None)) is not None:
            self.bare_seconds.append(now - sent)
        elif not bare and (learner := key.decode()) in self.due:
            self.due.remove(learner)
            self.seconds.append(now - self.sent[learner])

    async def settled(self) -> bool:
        """Whether nothing is due any more."""
        return not self.due


async def run(pace: Pace) -> Report:
    """Send at the pace, wait for what must come, report."""
    clock, statuses = _Clock(), Counter[str]()
    async with _consuming(pace, clock), _probing(pace, clock), _session(pace) as session:
        async with asyncio.TaskGroup() as sending:
            async for learner, turn in _paced(pace):
                sending.create_task(_send(session, clock, statuses, learner, turn))
        with suppress(TimeoutError):  # what is missing is in the report
            await eventually(clock.settled, SETTLE_SECONDS, "every completion has come")
    ours, bare = (_cuts(each) for each in (clock.seconds, clock.bare_seconds))
    return Report(len(clock.seconds), *ours, *bare, len(clock.due), dict(statuses))


async def _paced(pace: Pace) -> AsyncIterator[tuple[int, int]]:
    """Yield learner and turn of each report when it is due, whatever became of those before."""
    reports, began, sent = _reports(pace), time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < pace.seconds:
        while sent < passed * pace.per_second:
            yield next(reports)
            sent += 1
        await asyncio.sleep(TICK_SECONDS)


def _reports(pace: Pace) -> Iterator[tuple[int, int]]:
    turn = 0
    while True:
        for learner in range(pace.first_learner, pace.first_learner + pace.learners):
            yield learner, turn
        turn += 1


async def _send(
    session: aiohttp.ClientSession,
    clock: _Clock,
    statuses: Counter[str],
    learner: int,
    turn: int,
) -> None:
    learner_id = learning.learner_id(learner)
    if learning.passed_before(learner) + turn + 1 == learning.UNITS:
        clock.due.add(learner_id)
    (update,) = learning.report(learner, turn).updates
    body = body_of(learner, int(update.unit_id.removeprefix("unit-")), update.at)
    clock.sent[learner_id] = time.perf_counter()
    async with session.post(PATH, data=body) as answer:
        await answer.read()
    statuses[str(answer.status)] += 1


@asynccontextmanager
async def _session(pace: Pace) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"authorization": f"Bearer {pace.token}", "content-type": "application/json"}
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    async with aiohttp.ClientSession(
        f"http://{HOST}:{pace.port}", connector=connector, timeout=timeout, headers=headers
    ) as session:
        yield session


@asynccontextmanager
async def _consuming(pace: Pace, clock: _Clock) -> AsyncIterator[None]:
    consumer = AIOKafkaConsumer(pace.completed, pace.probes, bootstrap_servers=pace.kafka)
    async with consumer:
        await consumer.seek_to_end()

        async def consume() -> None:
            async for record in consumer:
                clock.came(record.key, bare=record.topic == pace.probes)

        consuming = asyncio.create_task(consume())
        yield
        consuming.cancel()


@asynccontextmanager
async def _probing(pace: Pace, clock: _Clock) -> AsyncIterator[None]:
    producer = AIOKafkaProducer(bootstrap_servers=pace.kafka, acks="all", enable_idempotence=True)
    async with producer:

        async def probe() -> None:
            number = 0
            while True:
                number += 1
                key = str(number).encode()
                clock.bare_sent[key] = time.perf_counter()
                await producer.send_and_wait(pace.probes, b"probe", key=key)
                await asyncio.sleep(PROBE_SECONDS)

        probing = asyncio.create_task(probe())
        yield
        probing.cancel()


def _cuts(seconds: list[float]) -> tuple[float, float]:
    """Return p50 and p99 in milliseconds."""
    if len(seconds) < LEAST_SAMPLES:
        raise ValueError(f"only {len(seconds)} came back; let it run longer")
    cuts = quantiles(seconds, n=100)
    return 1000 * cuts[49], 1000 * cuts[98]


if __name__ == "__main__":
    wanted = Pace(**json.load(sys.stdin))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(asdict(runner.run(run(wanted)))))

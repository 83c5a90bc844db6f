"""The publisher while its broker is killed, frozen and brought back: on a broker of its own."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from pravah_cli.local.kafka import KafkaPart
from pravah_cli.local.ports import free_port
from pravah_cli.local.process import start, stop
from pravah_cli.local.running import Running
from pravah_cli.settings import LocalSettings
from pravah_cli.testing.waiting import eventually
from pravah_shared.codec import decode
from pravah_shared.errors import BrokerUnavailable
from pravah_shared.events import Event, Progressed, new_event
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.kafka.reader import TopicReader
from pravah_shared.kafka.topics import apply
from pravah_shared.settings import Settings

pytestmark = pytest.mark.slow
NOW = datetime(2025, 6, 1, tzinfo=UTC)
ASK_SECONDS = 1.0


@dataclass(slots=True)
class Broker:
    """A broker to be cruel to."""

    part: KafkaPart
    state: Path
    process: Running

    @property
    def settings(self) -> Settings:
        """How to reach it."""
        return Settings(kafka_bootstrap=self.part.bootstrap, partitions=2)

    async def restart(self) -> None:
        """Start again on the data that a kill left."""
        self.process = await asyncio.to_thread(start, self.part.launch(), self.state)

    def stop(self) -> None:
        """Remove it, frozen or not."""
        self.process.signal(signal.SIGCONT)
        stop(self.process, self.state)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    """Yield a running broker with its topics."""
    part = KafkaPart(free_port(), free_port(), tmp_path / "kafka", LocalSettings().cache)
    own = Broker(part, tmp_path, await asyncio.to_thread(start, part.launch(), tmp_path))
    try:
        await apply(own.settings)
        yield own
    finally:
        await asyncio.to_thread(own.stop)


def report(number: int) -> Event[Progressed]:
    """Give one event."""
    fact = Progressed(report_id=f"r-{number}", learner_id="l", course_id="c", received_at=NOW)
    return new_event(fact, source="/pravah/progress", time=NOW)


async def acknowledged(publisher: Publisher, event: Event[Progressed]) -> bool:
    """Try once, as a loop that retries in place does."""
    try:
        await publisher.publish([event])
    except BrokerUnavailable:
        return False
    return True


async def published(settings: Settings) -> set[str]:
    """Read the ids of all reports in the log."""
    found: set[str] = set()
    async with TopicReader(settings, ["progressed"]) as reader:
        while not await reader.at_end():
            found |= {decode(record).data.report_id for record in await reader.read()}
    return found


async def test_killed_and_restarted(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    """Every call ends in time, and all that was acknowledged, before or after, is in the log."""
    async with Publisher(broker.settings, client_id="t", timeout_seconds=ASK_SECONDS) as publisher:
        await publisher.start()
        assert await acknowledged(publisher, report(0))
        broker.process.signal(signal.SIGKILL)

        async with asyncio.timeout(ASK_SECONDS * 3):
            during = await asyncio.gather(
                *(acknowledged(publisher, report(n)) for n in range(1, 20))
            )
        assert not any(during)

        await broker.restart()
        for number in range(1, 20):
            again = partial(acknowledged, publisher, report(number))
            await eventually(again, 30, "Kafka is back")

    assert await published(broker.settings) == {f"r-{n}" for n in range(20)}
    forgotten = [line for line in caplog.messages if "never retrieved" in line]
    assert forgotten == []


async def test_frozen_and_thawed(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    """A broker that holds the connection and says nothing is left at the deadline."""
    caplog.set_level(logging.ERROR, "asyncio")
    async with Publisher(broker.settings, client_id="t", timeout_seconds=ASK_SECONDS) as publisher:
        await publisher.start()
        broker.process.signal(signal.SIGSTOP)
        async with asyncio.timeout(ASK_SECONDS * 3):
            assert not await acknowledged(publisher, report(0))
            assert not await acknowledged(publisher, report(0))

        broker.process.signal(signal.SIGCONT)
        await eventually(lambda: acknowledged(publisher, report(0)), 30, "Kafka is back")

    assert await published(broker.settings) == {"r-0"}
    assert [line for line in caplog.messages if "never retrieved" in line] == []

"""The service as it runs: its own processes, real Kafka, real store, real mail server."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from ground import Ground
from notification_facts import TRACEPARENT, certified, course, enrolled
from smtp_double import SmtpDouble

from pravah_cli.local.ports import free_ports
from pravah_cli.local.process import Launch, start, stop
from pravah_cli.local.running import Running
from pravah_cli.testing import Deployment, eventually
from pravah_notification.model import Entry
from pravah_shared.events import Event
from pravah_shared.kafka.publisher import Publisher

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(240)]

Start = Callable[[str], Running]


@pytest.fixture
def ports() -> dict[str, int]:
    """A port for each mode."""
    return dict(zip(("api", "stream", "dispatch"), free_ports(3), strict=True))


@pytest.fixture
async def start_mode(
    deployment: Deployment, ground: Ground, ports: dict[str, int]
) -> AsyncIterator[Start]:
    """Start a mode of the service as a process, ready or not."""
    settings = ground.settings
    changes: dict[str, Any] = {f"notification_{mode}_port": ports[mode] for mode in ports}
    for name in (
        "smtp_host", "smtp_port", "smtp_connections", "smtp_timeout_seconds", "smtp_hold_seconds",
        "smtp_most_hold_seconds", "dispatch_lease_seconds", "retry_first_seconds",
    ):  # fmt: skip
        changes[name] = getattr(settings, name)
    environment = deployment.environment("notification", **changes)
    with ExitStack() as started:

        def start_one(mode: str) -> Running:
            launch = Launch(
                name=f"{deployment.name}-{mode}",
                argv=[sys.executable, "-m", "pravah_notification", mode],
                ready=lambda: answers(f"http://127.0.0.1:{ports[mode]}/healthz"),
                environment=environment,
            )
            process = start(launch, deployment.state_dir)
            started.callback(stop, process, deployment.state_dir)
            return process

        yield start_one


def answers(url: str) -> bool:
    """Whether the process serves."""
    try:
        return httpx.get(url, trust_env=False, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


async def publish(ground: Ground, *events: Event[Any]) -> None:
    """Put events on their topics."""
    async with Publisher(ground.settings, client_id="test") as publisher:
        await publisher.publish(events)


async def until(ground: Ground, count: int, holds: Callable[[Entry], bool]) -> None:
    """Wait until that many entries of each channel are as wanted."""

    async def all_hold() -> bool:
        entries = [*await ground.entries("email"), *await ground.entries("inapp")]
        return len(entries) == 2 * count and all(map(holds, entries))

    await eventually(all_hold, 90, f"{count} entries on each channel")


async def test_an_event_becomes_a_mail_and_an_inbox_message_under_faust(
    ground: Ground, smtp: SmtpDouble, start_mode: Start, ports: dict[str, int]
) -> None:
    """And the trace of the request that began it stands in the mail."""
    await asyncio.to_thread(start_mode, "stream")
    await asyncio.to_thread(start_mode, "dispatch")
    # Completed before the person is known, as topics race.
    await publish(ground, enrolled(), certified(), course())
    await until(ground, 2, lambda entry: entry.missing == ("person",))
    await publish(ground, await ground.person())
    await until(ground, 2, lambda entry: entry.state == "sent")
    assert sorted(mail["Subject"] for mail in smtp.mails) == [
        "You are enrolled: Ethics",
        "Your certificate: Ethics",
    ]
    assert {mail["traceparent"].split("-")[1] for mail in smtp.mails} == {TRACEPARENT.split("-")[1]}
    async with httpx.AsyncClient(trust_env=False) as client:
        ready = (await client.get(f"http://127.0.0.1:{ports['stream']}/readyz")).json()
    assert (ready["ready"], ready["runner"]) == (True, "faust")


async def test_killed_processes_lose_and_double_nothing_but_the_counted_window(
    ground: Ground, smtp: SmtpDouble, start_mode: Start
) -> None:
    """SIGKILL to the stream and to the dispatcher in the middle of three hundred learners."""
    learners = [f"l{number}" for number in range(300)]
    stream = await asyncio.to_thread(start_mode, "stream")
    dispatch = await asyncio.to_thread(start_mode, "dispatch")
    people = [await ground.person(learner) for learner in learners]
    await publish(ground, course(), *people, *(enrolled(learner) for learner in learners))
    await asyncio.wait_for(smtp.started.get(), 60)
    for process in (stream, dispatch):
        process.signal(signal.SIGKILL)
    await asyncio.to_thread(start_mode, "stream")
    await asyncio.to_thread(start_mode, "dispatch")
    await until(ground, len(learners), lambda entry: entry.state == "sent")
    by_id: dict[str, int] = {}
    for mail in smtp.mails:
        by_id[mail["Message-ID"]] = by_id.get(mail["Message-ID"], 0) + 1
    assert len(by_id) == len(learners)
    # Sent twice at most what was on its way on a connection when the dispatcher died, or sent
    # and not yet marked: one batch of the marker.
    assert sum(by_id.values()) - len(learners) <= ground.settings.dispatch_batch

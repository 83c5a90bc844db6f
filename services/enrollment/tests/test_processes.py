"""The three processes as they are deployed: started, used, killed, stopped."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from pravah_cli.local.ports import free_ports
from pravah_cli.testing import Deployment, eventually
from pravah_shared.events import Completed, new_event
from pravah_shared.kafka.publisher import Publisher

pytestmark = [pytest.mark.stack, pytest.mark.slow]

Start = Callable[[str], Any]


@pytest.fixture
def start(deployment: Deployment) -> Start:
    """Runs a mode of enrollment in a process of its own for the length of a block."""

    @asynccontextmanager
    async def run(mode: str) -> AsyncIterator[asyncio.subprocess.Process]:
        (port,) = free_ports(1)
        changes = {f"enrollment_{mode}_port": port, "log_format": "json"}
        environment = {**os.environ, **deployment.environment("enrollment", **changes)}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "pravah_enrollment", mode, env=environment
        )
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
                await eventually(lambda: is_ready(http), 60, f"{mode} ready")
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    return run


async def is_ready(http: httpx.AsyncClient) -> bool:
    """Whether /readyz says so."""
    try:
        return (await http.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def test_the_relay_process_takes_over_after_a_kill(service: Any, start: Start) -> None:
    """What was stored before, while and after reaches the topic, in version order."""
    async with start("relay") as first:
        await service.put_course(provider="One")
        await eventually(lambda: courses(service, 1), 20, "version 1")
        first.send_signal(signal.SIGKILL)
        await first.wait()
    await service.put_course(provider="Two")
    async with start("relay") as second:
        await eventually(lambda: courses(service, 2), 40, "version 2")
        second.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(second.wait(), 30) == 0
    versions = [event.data.version for event in await service.published("courses")]
    assert sorted(set(versions)) == [1, 2]
    assert versions[-1] == 2


async def test_the_stream_process_records_completions(service: Any, start: Start) -> None:
    """And leaves in order when asked to."""
    await service.ready_to_enroll()
    enrollment = (await service.enroll()).json()
    names = ("enrollment_id", "learner_id", "course_id", "run_id", "term", "course_version")
    now = datetime.now(UTC)
    done = Completed(**{name: enrollment[name] for name in names}, completed_at=now)
    async with start("stream") as process:
        async with Publisher(service.settings, client_id="test") as publisher:
            await publisher.publish([new_event(done, source="/pravah/progress", time=now)])
        await eventually(lambda: completed(service), 20, "the completion")
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0


async def test_the_api_process_serves_and_leaves(start: Start) -> None:
    """SIGTERM drains it."""
    async with start("api") as process:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0


async def courses(service: Any, count: int) -> bool:
    """Whether so many versions are published and none waits."""
    if await service.waiting("courses"):
        return False
    return len({event.id for event in await service.published("courses")}) == count


async def completed(service: Any) -> bool:
    """Whether the learner sees the completion."""
    (one,) = (await service.ask("GET", "/v1/learners/l-1/enrollments")).json()["items"]
    return bool(one["completed_at"])

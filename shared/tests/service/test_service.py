"""A process of a service, for real: it starts, tells, stops on SIGTERM, and exits by its reason."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

PROGRAM = Path(__file__).with_name("a_service.py")
DEADLINE_SECONDS = 30


class Process:
    """A process in small and what it logs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []

    async def line(self, event: str) -> dict[str, Any]:
        """Return the next log line of that event."""
        assert self.process.stderr is not None
        async with asyncio.timeout(DEADLINE_SECONDS):
            while text := await self.process.stderr.readline():
                line: dict[str, Any] = json.loads(text)
                self.lines.append(line)
                if line["event"] == event:
                    return line
        raise AssertionError(f"ended without {event}: {self.lines}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def exit_code(self) -> int:
        """Return how it ended."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode


@asynccontextmanager
async def started(mode: str, **settings: str) -> AsyncIterator[Process]:
    """Start a process in `mode`; it is gone afterwards."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(PROGRAM),
        mode,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PRAVAH_SMALL_PORT": "0", **settings},
    )
    try:
        yield Process(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@pytest.fixture
def start() -> Callable[..., Any]:
    """Return how to start a process."""
    return started


async def get(port: int, path: str) -> httpx.Response:
    """Ask the process."""
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(f"http://127.0.0.1:{port}{path}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stream_ends_its_batch_and_exits_0(
    number: signal.Signals, start: Callable[..., Any]
) -> None:
    """The signal becomes `runner.stop()`; the health server answers until then."""
    async with start("stream") as process:
        port = (await process.line("stream.serving"))["port"]
        readiness = (await get(port, "/readyz")).json()
        assert readiness["runner"] == "small"
        assert (await get(port, "/healthz")).status_code == 200
        assert b"pravah_" in (await get(port, "/metrics")).content
        process.signal(number)
        await process.line("batch.finished")
        assert await process.exit_code() == 0


async def test_an_api_drains_and_exits_0(start: Callable[..., Any]) -> None:
    """SIGTERM is no error."""
    async with start("api") as process:
        port = (await process.line("api.serving"))["port"]
        assert (await get(port, "/readyz")).status_code == 200
        process.signal(signal.SIGTERM)
        assert await process.exit_code() == 0


async def test_an_open_breaker_stays_up_and_exits_3(start: Callable[..., Any]) -> None:
    """A restart would not help, so it waits for a person, and tells at its end."""
    async with start("breaker") as process:
        await process.line("stream.serving")
        process.signal(signal.SIGTERM)
        await process.line("process.breaker_open")
        assert await process.exit_code() == 3


async def test_a_broken_stream_exits_1_and_says_why(start: Callable[..., Any]) -> None:
    """The supervisor restarts it; the line holds the error, and no address of a person."""
    async with start("broken") as process:
        line = await process.line("process.failed")
        assert line["error"] == "ValueError"
        assert "Traceback" in line["exception"]
        assert "asha" not in json.dumps(line)
        assert await process.exit_code() == 1


async def test_a_refused_configuration_exits_2(start: Callable[..., Any]) -> None:
    """The line names the setting, without a stack."""
    async with start("refuses") as process:
        line = await process.line("process.refused")
        assert "PRAVAH_SMALL_KEY" in line["reason"]
        assert await process.exit_code() == 2


async def test_wrong_settings_exit_2_with_a_line_for_people() -> None:
    """Before there are logs: which variable, and what is wrong with it."""
    async with started("api", PRAVAH_PARTITIONS="many") as process:
        _, said = await process.process.communicate()
    assert process.process.returncode == 2
    assert b"PRAVAH_PARTITIONS" in said
    assert b"Traceback" not in said


async def test_a_second_signal_ends_at_once(start: Callable[..., Any]) -> None:
    """Whoever asks twice is in a hurry; nothing is lost by it."""
    async with start("hangs") as process:
        await process.line("api.serving")
        process.signal(signal.SIGTERM)
        await process.line("process.stopping")
        process.signal(signal.SIGTERM)
        assert await process.exit_code() == 128 + signal.SIGTERM


async def test_help_lists_the_settings() -> None:
    """Each variable with its default and meaning, the service's own included."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), "--help", stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    assert b"PRAVAH_SMALL_PORT=0" in said
    assert b"PRAVAH_KAFKA_BOOTSTRAP=127.0.0.1:9092" in said
    assert b"{api,breaker,broken,hangs,refuses,stream}" in said

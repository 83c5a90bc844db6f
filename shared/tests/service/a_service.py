"""A service in small, run by the tests as a process of its own: `python a_service.py MODE`."""

import asyncio
import sys

from pydantic import Field

from pravah_shared.command import run
from pravah_shared.errors import BreakerOpen, ConfigurationError
from pravah_shared.http.app import create_app
from pravah_shared.http.health import ready_when
from pravah_shared.service import Stop, run_api, run_stream
from pravah_shared.settings import Settings
from pravah_shared.telemetry.logs import get_logger

log = get_logger()


class OwnSettings(Settings):
    """Settings of the service in small."""

    small_port: int = Field(default=0, description="Port of the process in small")


class Runner:
    """A runner that works until it is stopped, then takes its time."""

    name = "small"
    ready = True

    def __init__(self, error: Exception | None = None) -> None:
        self._stopping = asyncio.Event()
        self._error = error

    async def run(self) -> None:
        """Work."""
        if self._error is None or isinstance(self._error, BreakerOpen):
            await self._stopping.wait()
        if self._error is not None:
            raise self._error
        log.info("batch.finished")

    async def stop(self) -> None:
        """Finish the batch in hand."""
        self._stopping.set()

    def alive(self) -> bool:
        """Say yes."""
        return True


async def api(settings: OwnSettings, stop: Stop) -> None:
    """Serve an API."""
    app = create_app("small", settings, ready=ready_when())
    await run_api(settings, app, settings.small_port, stop)


async def stream(settings: OwnSettings, stop: Stop) -> None:
    """Run a stream."""
    await run_stream(settings, "small", Runner(), settings.small_port, stop)


async def breaker(settings: OwnSettings, stop: Stop) -> None:
    """Run a stream whose breaker is open."""
    runner = Runner(BreakerOpen("too many dead letters"))
    await run_stream(settings, "small", runner, settings.small_port, stop)


async def broken(settings: OwnSettings, stop: Stop) -> None:
    """Run a stream that breaks."""
    await run_stream(settings, "small", Runner(ValueError("asha@example.org")), 0, stop)


async def refuses(_settings: OwnSettings, _stop: Stop) -> None:
    """Refuse to start."""
    raise ConfigurationError("PRAVAH_SMALL_KEY must name a file")


async def hangs(_settings: OwnSettings, _stop: Stop) -> None:
    """Never end by itself."""
    log.info("api.serving", port=0)
    await asyncio.Event().wait()


if __name__ == "__main__":
    modes = (api, stream, breaker, broken, refuses, hangs)
    sys.exit(run("small", OwnSettings, {mode.__name__: mode for mode in modes}))

"""Runs one process of a service: its loop, its signals, its health and metrics port, its end.

    async def stream(settings: ProgressSettings, stop: Stop) -> None:
        async with parts(settings) as runner:
            await run_stream(settings, "progress", runner, settings.progress_stream_port, stop)

SIGTERM and SIGINT ask to stop, once; each part ends by its own rules (a stream's runner decides
about the batch in hand). A second signal ends the process at once: offsets are committed only for
what is done, so nothing is lost by it.
"""

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from pravah_shared.errors import BreakerOpen, ConfigurationError
from pravah_shared.http.app import create_health_app
from pravah_shared.http.health import Readiness
from pravah_shared.http.server import running
from pravah_shared.telemetry import logs, traces

if TYPE_CHECKING:
    from fastapi import FastAPI

    from pravah_shared.processing.runner import Runner
    from pravah_shared.settings import Settings

log = logs.get_logger()

EXIT_FAILED = 1
EXIT_CONFIGURATION = 2
"""A restart does not help; the log line names the setting."""
EXIT_BREAKER = 3
"""The breaker had stopped the stream; the log and the dead letters say why."""
GARBAGE_THRESHOLDS = (50_000, 20, 100)
"""New objects, young and middle collections until the next. Python's own are 700, 10 and 10."""


class Stop:
    """A request to end, seen by every part of a process."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()

    def request(self, reason: str) -> None:
        """Ask to end. Repeats change nothing."""
        if not self._asked.is_set():
            log.info("process.stopping", reason=reason)
            self._asked.set()

    @property
    def requested(self) -> bool:
        """Whether somebody asked."""
        return self._asked.is_set()

    async def wait(self) -> None:
        """Return when somebody asked."""
        await self._asked.wait()


def run_process(
    main: Callable[[Stop], Awaitable[None]], *, service: str, settings: "Settings"
) -> int:
    """Run `main` until it returns; return the process's exit code.

    Sets up logs and traces, uvloop and the signals. What `main` raises is logged here, once.
    """
    import uvloop

    logs.configure(settings, service=service)
    traces.configure(service, settings)
    _relieve_garbage_collector()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        code = runner.run(_run(main))
    traces.shut_down()
    return code


def _relieve_garbage_collector() -> None:
    """Keep it from what lives as long as the process, and have it look at the rest less often.

    A batch makes tens of thousands of objects that go with it. By the default settings, looking
    through them and through all imported code takes a large part of a stream's processor time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


async def _run(main: Callable[[Stop], Awaitable[None]]) -> int:
    stop = Stop()
    _take_signals(stop)
    try:
        await main(stop)
    except ConfigurationError as error:
        log.critical("process.refused", reason=str(error))
        return EXIT_CONFIGURATION
    except BreakerOpen as error:
        log.critical("process.breaker_open", reason=str(error))
        return EXIT_BREAKER
    except Exception as error:
        log.critical("process.failed", error=type(error).__name__, exc_info=error)
        return EXIT_FAILED
    log.info("process.ended")
    return 0


def _take_signals(stop: Stop) -> None:
    def on_signal(number: signal.Signals) -> None:
        if stop.requested:
            log.warning("process.killed", signal=number.name)
            os._exit(128 + number)
        stop.request(number.name)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)


async def run_api(settings: "Settings", app: "FastAPI", port: int, stop: Stop) -> None:
    """Serve an API until asked to stop, then drain.

    Raises:
        ConfigurationError: the port is taken, or a route does not say who may call it.
    """
    async with running(app, settings.host, port) as bound:
        log.info("api.serving", host=settings.host, port=bound)
        await stop.wait()


async def run_stream(
    settings: "Settings", service: str, runner: "Runner", port: int, stop: Stop
) -> None:
    """Run a stream, relay or dispatcher until asked to stop; serve its health and metrics.

    The health server outlives the runner, so that /healthz answers while the last batch ends.

    Raises:
        BreakerOpen: the breaker had halted the loop before the stop.
        Exception: whatever broke the runner; the process should be restarted.
    """

    async def ready() -> Readiness:
        missing = () if runner.ready else ("the loop: it joins, waits for a dependency or halted",)
        return Readiness(runner.ready, missing, runner.name)

    app = create_health_app(service, ready=ready, alive=runner.alive)
    async with running(app, settings.host, port) as bound:
        log.info("stream.serving", runner=runner.name, host=settings.host, port=bound)
        await _until_stopped(runner, stop)


async def _until_stopped(runner: "Runner", stop: Stop) -> None:
    working = asyncio.create_task(runner.run(), name="runner")
    asked = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait({working, asked}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            await runner.stop()
        await working  # raises what ended it
    finally:
        asked.cancel()
        if not working.done():  # this process's own end was cancelled
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working

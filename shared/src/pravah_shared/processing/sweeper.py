"""The second chance: what no record will bring up again is decided here."""

import asyncio
from collections.abc import Awaitable, Callable

from pravah_shared.processing.loop import Loop
from pravah_shared.telemetry.logs import get_logger

log = get_logger()


class Sweeper:
    """Runs the handler's `sweep` at start and after every `seconds`, until cancelled."""

    def __init__(
        self,
        loop: Loop,
        *,
        seconds: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._loop = loop
        self._seconds = seconds
        self._sleep = sleep

    async def run(self) -> None:
        """Sweep for ever. An error ends one sweep, never the stream: the next tries again."""
        while True:
            try:
                while await self._loop.run_sweep():
                    self._loop.health.beat()
            except Exception:
                # No record is at fault here, and none may be stopped by it.
                log.exception("sweep.failed")
            await self._sleep(self._seconds)

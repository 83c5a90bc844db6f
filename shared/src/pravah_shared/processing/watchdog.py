"""Progress while there is lag: the one sign of life that a stuck client cannot fake."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from pravah_shared.processing.health import Health
from pravah_shared.telemetry import metrics

Lags: TypeAlias = Mapping[tuple[str, int], int]
"""Records not yet handled, by topic (without prefix) and partition."""

INTERVAL_SECONDS = 1.0


class Watchdog:
    """Beats for an idle loop. With work in sight only finished work beats.

    Kafka clients stall in ways that leave their tasks running (Faust #175, #523, #532), so a
    turning event loop proves nothing.
    """

    def __init__(
        self,
        health: Health,
        lags: Callable[[], Awaitable[Lags]],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._health = health
        self._lags = lags
        self._sleep = sleep
        self._shown: set[tuple[str, int]] = set()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await self.look()
            await self._sleep(INTERVAL_SECONDS)

    async def look(self) -> None:
        """Publish the lag; beat if there is none. A client that cannot say is given no credit."""
        try:
            async with asyncio.timeout(INTERVAL_SECONDS):
                lags = await self._lags()
        except TimeoutError:
            return
        for topic, partition in self._shown - lags.keys():
            metrics.CONSUMER_LAG.remove(self._health.group, topic, str(partition))
        for (topic, partition), lag in lags.items():
            metrics.CONSUMER_LAG.labels(self._health.group, topic, str(partition)).set(lag)
        self._shown = set(lags)
        if not any(lags.values()):
            self._health.beat()

"""Scraping the services' processes, over and over."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import httpx

from pravah_cli.operators.funnel import Snapshot, snapshot
from pravah_cli.operators.scrape import parse
from pravah_cli.operators.totals import Totals
from pravah_cli.stack.processes import SERVICE_PROCESSES

EVERY_SECONDS = 1.0
DEADLINE_SECONDS = 2.0


@dataclass(slots=True)
class Watch:
    """Follows the processes at `urls` (name → base URL) and keeps the newest snapshot."""

    urls: Mapping[str, str]
    _totals: Totals = field(default_factory=Totals)
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    latest: Snapshot | None = None

    async def run(self) -> None:
        """Look at all processes every second, until cancelled."""
        async with httpx.AsyncClient(timeout=DEADLINE_SECONDS, trust_env=False) as client:
            while True:
                began = time.monotonic()
                await self.look(client)
                await asyncio.sleep(max(0.0, EVERY_SECONDS - (time.monotonic() - began)))

    async def look(self, client: httpx.AsyncClient) -> Snapshot:
        """Look at all processes once; one that does not answer keeps what it counted before."""
        texts = await asyncio.gather(*(self._read(client, url) for url in self.urls.values()))
        answered = dict(zip(self.urls, texts, strict=True))
        for process, text in answered.items():
            if text is None:
                self._totals.forget_gauges(process)
            else:
                self._totals.add(process, dict(parse(text)))
        self._totals.mark(time.monotonic())
        alive = {process: text is not None for process, text in answered.items()}
        now = datetime.now(UTC).isoformat(timespec="seconds")
        async with self._changed:
            self.latest = snapshot(self._totals, now, alive)
            self._changed.notify_all()
        return self.latest

    async def _read(self, client: httpx.AsyncClient, url: str) -> str | None:
        try:
            answer = await client.get(f"{url}/metrics")
        except httpx.HTTPError:
            return None
        return answer.text if answer.is_success else None

    def _newer_than(self, seen: Snapshot | None) -> bool:
        return self.latest is not seen

    async def follow(self) -> AsyncIterator[Snapshot]:
        """Yield the newest snapshot, then each new one. A slow reader skips some."""
        seen: Snapshot | None = None
        while True:
            async with self._changed:
                await self._changed.wait_for(partial(self._newer_than, seen))
                seen = self.latest
            if seen:
                yield seen


def service_urls(environment: Mapping[str, str]) -> dict[str, str]:
    """Return where each process of the services serves its metrics."""
    return {process.name: process.url(environment) for process in SERVICE_PROCESSES}

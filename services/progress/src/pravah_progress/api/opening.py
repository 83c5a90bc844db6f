"""Opens the parts of the API on a publisher and a store: the wiring that its tests share."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from pravah_progress.api.gate import Gate
from pravah_progress.api.ingest import Ingest
from pravah_progress.api.known import KnownCourses
from pravah_progress.api.pacing import Pacer
from pravah_progress.api.parts import Parts
from pravah_progress.api.pulse import Meter, Pulse
from pravah_progress.api.waiting import Watch
from pravah_progress.settings import ProgressSettings
from pravah_progress.store import Store
from pravah_shared.events import Progressed
from pravah_shared.http.health import Readiness, ReadyCheck
from pravah_shared.kafka.gathering import Gathering
from pravah_shared.kafka.publisher import Publisher

PUBLISH_SECONDS: Final = 3.0
"""For a batch, connecting included; a report waits for its turn at most as long again. Clients and
gateways give up after more than these six seconds: each gets an answer while it listens."""
FIRST_RATE: Final = 1_000.0
"""Reports a second, until the first seconds have shown what the process can do."""


@asynccontextmanager
async def opened(
    settings: ProgressSettings, publisher: Publisher, store: Store, dependencies: ReadyCheck
) -> AsyncIterator[Parts]:
    """Yield the parts; they measure themselves while the block runs."""

    async def ready() -> Readiness:
        found = await dependencies()
        # Without the store reports are still taken, and none may be turned away.
        return Readiness("kafka" not in found.missing, found.missing)

    gathering = Gathering(publisher, Progressed)
    meter, gate = Meter(), Gate()
    pacer = Pacer(settings.flush_after_seconds, FIRST_RATE, random.random)
    ingest = Ingest(gathering, KnownCourses(store.courses), lambda: datetime.now(UTC), pacer, meter)
    beating = asyncio.create_task(Pulse(meter, gate, pacer, store.applied).run(), name="pulse")
    try:
        yield Parts(store, ingest, gate, pacer, Watch(store.applied), ready)
    finally:
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating
        await gathering.stop()

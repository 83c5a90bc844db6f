"""Composition root of progress: `python -m pravah_progress api|stream`."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from pravah_progress.api import Parts, build
from pravah_progress.api.opening import PUBLISH_SECONDS, opened
from pravah_progress.settings import ProgressSettings
from pravah_progress.store import Store
from pravah_progress.stream import ProgressHandler
from pravah_progress.wire import READERS
from pravah_shared.command import run
from pravah_shared.http.health import ready_when
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.mongo import Database
from pravah_shared.processing.runner import build_runner
from pravah_shared.service import Stop, run_api, run_stream


@asynccontextmanager
async def open_parts(settings: ProgressSettings) -> AsyncIterator[Parts]:
    """Yield the real parts of the API. It comes up while Kafka or the store is away."""
    async with (
        Database.connect(settings.mongo_uri, settings.mongo_database) as database,
        Publisher(settings, client_id="progress-api", timeout_seconds=PUBLISH_SECONDS) as publisher,
    ):
        dependencies = ready_when(kafka=publisher.ping, store=database.ping)
        async with opened(settings, publisher, Store.on(database), dependencies) as parts:
            yield parts


def document() -> FastAPI:
    """Return the application as contracts/ describes it: every route, connected to nothing."""
    settings = ProgressSettings()
    return build(settings, partial(open_parts, settings))


async def api(settings: ProgressSettings, stop: Stop) -> None:
    """Serve the API until asked to stop."""
    app = build(settings, partial(open_parts, settings))
    await run_api(settings, app, settings.progress_api_port, stop)


async def stream(settings: ProgressSettings, stop: Stop) -> None:
    """Merge and decide until asked to stop."""
    async with (
        Database.connect(settings.mongo_uri, settings.mongo_database) as database,
        Publisher(settings, client_id="progress-stream") as publisher,
    ):
        handler = ProgressHandler(Store.on(database))
        runner = build_runner("aiokafka", settings, "progress", handler, publisher, readers=READERS)
        await run_stream(settings, "progress", runner, settings.progress_stream_port, stop)


if __name__ == "__main__":
    sys.exit(run("progress", ProgressSettings, {"api": api, "stream": stream}))

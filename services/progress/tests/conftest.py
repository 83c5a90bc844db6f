"""The API of progress and its stream, on the real store and broker, with real tokens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from pravah_cli.testing import SettingsFor
from pravah_progress.__main__ import open_parts
from pravah_progress.api import build
from pravah_progress.settings import ProgressSettings
from pravah_progress.store import Store
from pravah_progress.stream import ProgressHandler
from pravah_shared.events import EventData, new_event
from pravah_shared.events.types import to_utc_milliseconds
from pravah_shared.http.issuer import LocalIssuer, use_issuer
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.mongo import Database
from pravah_shared.processing.runner import build_runner

from .facts import START


@dataclass
class Api:
    """A running API: its application, a client, an issuer of tokens, its store."""

    app: FastAPI
    client: httpx.AsyncClient
    issuer: LocalIssuer
    publisher: Publisher
    store: Store

    async def call(
        self, method: str, path: str, *, role: Any = "operator", body: Any = None, **more: Any
    ) -> httpx.Response:
        """Send a request as `role`; `of_token` says more of the token."""
        headers = self.issuer.headers(role, **more.pop("of_token", {})) | more.pop("headers", {})
        return await self.client.request(method, path, json=body, headers=headers, **more)

    async def publish(self, *facts: EventData) -> None:
        """Publish events as the other services do."""
        time = to_utc_milliseconds(START)
        await self.publisher.publish([new_event(one, source="/test", time=time) for one in facts])


@pytest.fixture
def progress_settings(settings_for: SettingsFor) -> ProgressSettings:
    """Return the settings of a deployment of the test's own."""
    return settings_for(ProgressSettings, sweep_seconds=1)


@pytest.fixture
async def api(progress_settings: ProgressSettings) -> AsyncIterator[Api]:
    """Yield the running API."""
    issuer = LocalIssuer(progress_settings)
    app = build(progress_settings, partial(open_parts, progress_settings))
    use_issuer(app, issuer)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        Publisher(progress_settings, client_id="test") as publisher,
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        yield Api(app, client, issuer, publisher, app.state.parts.store)


@asynccontextmanager
async def streaming(settings: ProgressSettings) -> AsyncIterator[None]:
    """Run the stream within the block."""
    async with (
        Database.connect(settings.mongo_uri, settings.mongo_database) as database,
        Publisher(settings, client_id="stream") as publisher,
    ):
        handler = ProgressHandler(Store.on(database))
        runner = build_runner("aiokafka", settings, "progress", handler, publisher)
        running = asyncio.create_task(runner.run())
        try:
            yield
        finally:
            await runner.stop()
            await running


@pytest.fixture
async def stream(progress_settings: ProgressSettings) -> AsyncIterator[None]:
    """Run the stream while the test runs."""
    async with streaming(progress_settings):
        yield

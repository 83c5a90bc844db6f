"""The API without a network: a log in place of Kafka, the store in memory, real tokens."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from pravah_progress.api import build
from pravah_progress.api.opening import opened
from pravah_progress.api.parts import Parts
from pravah_progress.settings import ProgressSettings
from pravah_shared.codec import Encoded, decode
from pravah_shared.errors import BrokerUnavailable
from pravah_shared.events import Course, Event, Position
from pravah_shared.http.health import Readiness
from pravah_shared.http.issuer import LocalIssuer, use_issuer
from pravah_shared.record import Record

from .memory import memory_store


@dataclass
class Log:
    """Stands for `Publisher` under `Gathering`: keeps what is published, or is away."""

    timeout_seconds: float = 3.0
    away: bool = False
    held: asyncio.Event | None = None
    records: list[Encoded] = field(default_factory=list)

    def known_partitions(self, _topic: str) -> int:
        """Have one."""
        return 1

    async def publish_to(
        self, topic: str, partition: int, records: Sequence[Encoded]
    ) -> list[Position]:
        """Append, once it is let go."""
        if self.held is not None:
            await self.held.wait()
        if self.away:
            raise BrokerUnavailable("gone")
        first = len(self.records)
        self.records += records
        return [Position(topic, partition, first + number) for number in range(len(records))]

    @property
    def events(self) -> list[Event[Any]]:
        """What subscribers would read."""
        return [
            decode(Record(one.topic, 0, offset, one.key, one.value, tuple(one.headers)))
            for offset, one in enumerate(self.records)
        ]


@dataclass
class Offline:
    """A running API and what it stands on."""

    app: FastAPI
    client: httpx.AsyncClient
    issuer: LocalIssuer
    log: Log
    handed_over: list[str]
    """Paths of the requests that went past the lane."""

    @property
    def parts(self) -> Parts:
        """Return the running parts."""
        parts: Parts = self.app.state.parts
        return parts

    async def post(
        self, path: str, content: bytes, role: Any = "operator", **of_token: Any
    ) -> httpx.Response:
        """Send a body as `role`."""
        headers = self.issuer.headers(role, **of_token) | {"content-type": "application/json"}
        return await self.client.post(path, content=content, headers=headers)


class Passed:
    """ASGI middleware that notes what passes it."""

    def __init__(self, app: ASGIApp, paths: list[str]) -> None:
        self._app = app
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        self._paths.append(scope.get("path", ""))
        await self._app(scope, receive, send)


@asynccontextmanager
async def offline(*courses: Course, lane: bool = True) -> AsyncIterator[Offline]:
    """Run the API; without its lane, every request takes the declared route."""
    settings, log, store = ProgressSettings(), Log(), memory_store()
    await store.courses.put(courses)

    async def ready() -> Readiness:
        return Readiness(ready=True)

    @asynccontextmanager
    async def open_parts() -> AsyncIterator[Parts]:
        async with opened(settings, log, store, ready) as parts:  # type: ignore[arg-type]
            yield parts

    app = build(settings, open_parts)
    handed_over: list[str] = []
    app.user_middleware.append(Middleware(Passed, paths=handed_over))
    issuer = LocalIssuer(settings)
    use_issuer(app, issuer)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://test") as client,
    ):
        if not lane:
            app.lane = None
        yield Offline(app, client, issuer, log, handed_over)

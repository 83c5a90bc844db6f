"""HTTP: progress in, progress and its explanation out."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from pravah_progress.api import reads, writes
from pravah_progress.api.lane import Lane
from pravah_progress.api.parts import Parts
from pravah_progress.settings import ProgressSettings
from pravah_shared.http.app import Application, create_app
from pravah_shared.http.health import Readiness

OpenParts = Callable[[], AbstractAsyncContextManager[Parts]]

__all__ = ["OpenParts", "Parts", "build"]


def build(settings: ProgressSettings, open_parts: OpenParts) -> Application:
    """Return the application. `open_parts` runs when it starts, and is left when it ends."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with open_parts() as parts:
            app.state.parts = parts
            app.lane = Lane(parts, app)
            yield

    async def ready() -> Readiness:
        parts: Parts = app.state.parts
        return await parts.ready()

    app = create_app("progress", settings, lifespan=lifespan, ready=ready)
    app.include_router(writes.router)
    app.include_router(reads.router)
    return app

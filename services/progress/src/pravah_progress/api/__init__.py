"""HTTP: progress in, progress and its explanation out."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from pravah_progress.api import reads, writes
from pravah_progress.api.lane import Lane
from pravah_progress.api.parts import Parts
from pravah_progress.settings import ProgressSettings
from pravah_shared.http.app import add_lane, create_app
from pravah_shared.http.health import Readiness

OpenParts = Callable[[], AbstractAsyncContextManager[Parts]]

__all__ = ["OpenParts", "Parts", "build"]


def build(settings: ProgressSettings, open_parts: OpenParts) -> FastAPI:
    """Return the application. `open_parts` runs when it starts, and is left when it ends."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_parts() as parts:
            app.state.parts = parts
            yield

    async def ready() -> Readiness:
        parts: Parts = app.state.parts
        return await parts.ready()

    app = create_app("progress", settings, lifespan=lifespan, ready=ready)
    add_lane(app, Lane)
    app.include_router(writes.router)
    app.include_router(reads.router)
    return app

"""HTTP: courses, learners and enrollments in and out."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from pravah_enrollment.api import courses, enrollments, learners, problems, tracing
from pravah_enrollment.api.parts import Parts
from pravah_enrollment.settings import EnrollmentSettings
from pravah_shared.http.app import create_app
from pravah_shared.http.health import Readiness

OpenParts = Callable[[], AbstractAsyncContextManager[Parts]]

__all__ = ["OpenParts", "Parts", "build"]


def build(settings: EnrollmentSettings, open_parts: OpenParts) -> FastAPI:
    """Return the application. `open_parts` runs when it starts, and is left when it ends."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_parts() as parts:
            app.state.parts = parts
            app.state.idempotency = parts.idempotency
            yield

    async def ready() -> Readiness:
        parts: Parts = app.state.parts
        return await parts.ready()

    app = create_app("enrollment", settings, lifespan=lifespan, ready=ready)
    problems.install(app)
    for router in (courses.router, learners.router, enrollments.router, tracing.router):
        app.include_router(router)
    return app

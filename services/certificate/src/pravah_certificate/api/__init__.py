"""HTTP: certificates to those they belong to, verification to anybody."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

from pravah_certificate.api import certificates, trace, verify
from pravah_certificate.api.parts import Parts
from pravah_certificate.settings import CertificateSettings
from pravah_shared.http.app import create_app
from pravah_shared.http.health import Readiness

OpenParts = Callable[[], AbstractAsyncContextManager[Parts]]

__all__ = ["OpenParts", "Parts", "build"]


def build(settings: CertificateSettings, open_parts: OpenParts) -> FastAPI:
    """Return the application. `open_parts` runs when it starts, and is left when it ends."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_parts() as parts:
            app.state.parts = parts
            yield

    async def ready() -> Readiness:
        parts: Parts = app.state.parts
        return await parts.ready()

    app = create_app("certificate", settings, lifespan=lifespan, ready=ready)
    for router in (certificates.router, verify.router, trace.router):
        app.include_router(router)
    return app

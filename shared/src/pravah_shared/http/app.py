"""Makes an API: problems, limits, identity, health, metrics, traces and docs, alike everywhere."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp, Receive, Scope, Send

from pravah_shared.http import docs, problems
from pravah_shared.http.edge import Edge
from pravah_shared.http.health import AliveCheck, ReadyCheck, always_alive, health_router
from pravah_shared.http.identity import access_matrix, public
from pravah_shared.http.keys import RemoteKeys
from pravah_shared.http.pages import PATH as SESSION_PATH
from pravah_shared.http.pages import open_session
from pravah_shared.http.tokens import TokenVerifier

if TYPE_CHECKING:
    from pravah_shared.settings import Settings

NO_TELEMETRY_OF_ITS_OWN: Final[TelemetryConfig] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
"""Its spans and logs hold query strings and exceptions' texts: one-time tokens, what people sent.
`Edge` makes ours."""

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def no_lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Need nothing started before the first request."""
    yield


class Application(FastAPI):
    """FastAPI, with room in front of its layers for what is too frequent for them.

    `lane` is served in place of the application and hands on to `beyond_lane` what it does not
    take. It answers its own problems, and traces and counts by itself (`edge`).
    """

    lane: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await (self.lane or self.beyond_lane)(scope, receive, send)

    async def beyond_lane(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request by the application's own layers and routes."""
        await super().__call__(scope, receive, send)


def create_app(
    service: str,
    settings: "Settings",
    *,
    ready: ReadyCheck,
    lifespan: Lifespan = no_lifespan,
    alive: AliveCheck = always_alive,
) -> Application:
    """Return an application to which a service adds its routers.

    At its start it refuses (ConfigurationError) a route that does not say who may call it.
    `app.state` holds `settings`, `verifier`, and what a lifespan puts there: `page_sessions`
    (pages.py), `idempotency` (idempotency.py).
    """

    @asynccontextmanager
    async def checked(app: FastAPI) -> AsyncIterator[None]:
        access_matrix(app)
        async with lifespan(app):
            yield

    app = Application(
        title=f"Pravah {service}",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        telemetry=NO_TELEMETRY_OF_ITS_OWN,
        lifespan=checked,
    )
    app.state.settings = settings
    app.state.verifier = TokenVerifier(settings, RemoteKeys(jwks_url(settings)))
    app.add_middleware(Edge)
    problems.install(app)
    docs.install(app)
    app.include_router(health_router(service, ready, alive))
    if settings.environment == "dev":
        app.get(SESSION_PATH, include_in_schema=False, dependencies=[public()])(open_session)
    app.openapi = partial(docs.describe, app)  # type: ignore[method-assign]
    return app


def create_health_app(service: str, *, ready: ReadyCheck, alive: AliveCheck) -> FastAPI:
    """Return what a process without an API serves: health and metrics alone."""
    app = FastAPI(title=f"Pravah {service}", openapi_url=None, telemetry=NO_TELEMETRY_OF_ITS_OWN)
    app.add_middleware(Edge)
    problems.install(app)
    app.include_router(health_router(service, ready, alive))
    return app


def jwks_url(settings: "Settings") -> str:
    """Return where the issuer's keys are."""
    return settings.oidc_jwks_url or f"{settings.oidc_issuer.rstrip('/')}/jwks.json"

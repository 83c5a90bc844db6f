"""A small application with every kind of route, an issuer, and a client without a network."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from pravah_shared.errors import Refused, StoreUnavailable
from pravah_shared.events.types import LearnerId, Model, Text, UtcTime
from pravah_shared.http.app import create_app
from pravah_shared.http.health import Readiness
from pravah_shared.http.identity import Principal, allow, public
from pravah_shared.http.issuer import LocalIssuer, use_issuer
from pravah_shared.http.paging import Page
from pravah_shared.settings import Settings


class Note(Model):
    """A body with the kinds of fields that clients get wrong."""

    learner_id: LearnerId
    title: Text
    seconds: Annotated[int, Field(ge=0, le=100)] = 0
    at: UtcTime | None = None
    parts: tuple["Note", ...] = ()


async def ready() -> Readiness:
    """Answer as a service whose store is away."""
    return Readiness(ready=False, missing=("store",), runner="faust")


def add_routes(app: FastAPI) -> None:
    """Add a route of each kind."""
    anyone = allow("learner", "mdo_admin", "operator", "system", scopes=["progress:write"])

    @app.post("/v1/notes")
    async def note(body: Note, who: Annotated[Principal, anyone]) -> dict[str, str]:
        who.must_own(body.learner_id)
        return {"title": body.title}

    @app.get("/v1/learners/{learner_id}/notes")
    async def notes(
        learner_id: LearnerId, who: Annotated[Principal, anyone], page: Page
    ) -> dict[str, object]:
        who.must_manage("mdo-1", learner_id=learner_id)
        return page.page(list(range(page.fetch)), lambda item: (item,))

    @app.get("/v1/shelf", dependencies=[public()])
    async def shelf() -> dict[str, str]:
        return {}

    @app.get("/v1/fails/{how}", dependencies=[public()])
    async def fails(how: str) -> Response:
        raise {
            "transient": StoreUnavailable("mongodb://pravah:s3cret@db away"),
            "refused": Refused("document of 17 MiB"),
        }.get(how, ZeroDivisionError("Asha Rao, asha@example.org"))

    @app.get("/v1/waits", dependencies=[public()])
    async def waits() -> Response:
        await asyncio.Event().wait()
        return JSONResponse({})


@pytest.fixture
def settings() -> Settings:
    """Return settings of development."""
    return Settings()


@pytest.fixture
def issuer(settings: Settings) -> LocalIssuer:
    """Return an issuer that the application trusts."""
    return LocalIssuer(settings)


@pytest.fixture
def app(settings: Settings, issuer: LocalIssuer) -> FastAPI:
    """Return the application."""
    app = create_app("progress", settings, ready=ready)
    add_routes(app)
    use_issuer(app, issuer)
    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of the application."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client

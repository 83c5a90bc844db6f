"""Probes and scrapers get their answers without a token, whatever is away."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from pravah_shared.errors import StoreUnavailable
from pravah_shared.http import health
from pravah_shared.http.app import create_health_app
from pravah_shared.http.health import Readiness, readiness, ready_when


def client_of(app: FastAPI) -> httpx.AsyncClient:
    """Return a client of an application."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_readyz_names_the_runner_and_what_is_missing(client: httpx.AsyncClient) -> None:
    """An operator sees the engine and the reason at once."""
    response = await client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {
        "service": "progress",
        "ready": False,
        "missing": ["store"],
        "runner": "faust",
    }


async def test_healthz_follows_the_loop_not_the_dependencies() -> None:
    """A hanging loop asks for a restart; a missing store does not."""
    alive = True

    async def away() -> Readiness:
        return Readiness(ready=False)

    async with client_of(create_health_app("x", ready=away, alive=lambda: alive)) as client:
        assert (await client.get("/healthz")).status_code == 200
        alive = False
        assert (await client.get("/healthz")).status_code == 503


async def test_a_check_that_hangs_or_fails_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """A probe gets its answer in time, with the reason."""
    monkeypatch.setattr(health, "READY_SECONDS", 0.01)

    async def hangs() -> Readiness:
        await asyncio.Event().wait()
        raise AssertionError

    async def fails() -> Readiness:
        raise StoreUnavailable("away")

    assert "answer within" in (await readiness(hangs)).missing[0]
    assert (await readiness(fails)).missing == ("StoreUnavailable",)


async def test_dependencies_are_asked_together_and_named() -> None:
    """What does not answer is named; the rest is not in the way."""

    async def good() -> None: ...

    async def bad() -> None:
        raise StoreUnavailable("away")

    assert await ready_when(store=good)() == Readiness(ready=True)
    assert await ready_when(store=bad, keys=good, broker=bad)() == Readiness(
        ready=False, missing=("store", "broker")
    )


async def test_metrics_come_in_both_formats(client: httpx.AsyncClient) -> None:
    """Prometheus text for people and old scrapers, OpenMetrics for those who ask."""
    plain = await client.get("/metrics")
    assert plain.headers["content-type"].startswith("text/plain")
    assert "pravah_http_request_seconds" in plain.text
    headers = {"Accept": "application/openmetrics-text; version=1.0.0"}
    asked = await client.get("/metrics", headers=headers)
    assert asked.headers["content-type"].startswith("application/openmetrics-text")
    assert asked.text.endswith("# EOF\n")


async def test_docs_need_no_other_host(client: httpx.AsyncClient) -> None:
    """Inside a ministry's network no CDN is reached: every file of the page comes from us."""
    page = await client.get("/docs")
    assert "https://" not in page.text
    for file in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"):
        assert f"/docs/files/{file}" in page.text
        assert (await client.get(f"/docs/files/{file}")).status_code == 200


async def test_openapi_tells_errors_and_access(client: httpx.AsyncClient) -> None:
    """A client's author reads which roles may call a route and what a refusal looks like."""
    document = (await client.get("/openapi.json")).json()
    post = document["paths"]["/v1/notes"]["post"]
    assert post["x-roles"] == ["learner", "mdo_admin", "operator", "system"]
    assert post["x-scopes"] == ["progress:write"]
    assert post["security"] == [{"bearer": []}]
    assert "422" not in post["responses"]
    assert "application/problem+json" in post["responses"]["default"]["content"]
    assert document["paths"]["/v1/shelf"]["get"]["security"] == []
    assert "HTTPValidationError" not in document["components"]["schemas"]

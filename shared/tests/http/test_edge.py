"""Every request is counted by its route and continues its caller's trace."""

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Response
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY

from pravah_shared.http.identity import public
from pravah_shared.http.issuer import LocalIssuer

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def counted(method: str, route: str, status: str) -> float:
    """Return how many requests were counted."""
    labels = {"method": method, "route": route, "status": status}
    return REGISTRY.get_sample_value("pravah_http_request_seconds_count", labels) or 0


async def server_span(client: httpx.AsyncClient, exported: InMemorySpanExporter) -> ReadableSpan:
    """Return the span of a request that continues a trace."""
    headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    await client.get("/v1/learners/l1/notes", headers=headers)
    (span,) = exported.get_finished_spans()
    return span


async def test_requests_are_counted_by_template(client: httpx.AsyncClient) -> None:
    """No learner's id becomes a label."""
    before = counted("GET", "/v1/learners/{learner_id}/notes", "401")
    await client.get("/v1/learners/l1/notes")
    await client.get("/v1/learners/l2/notes")
    assert counted("GET", "/v1/learners/{learner_id}/notes", "401") == before + 2


async def test_included_routes_keep_their_prefix(app: FastAPI, client: httpx.AsyncClient) -> None:
    """A router's route is counted by the path that clients see."""
    router = APIRouter(prefix="/v1/prefixed", dependencies=[public()])

    @router.get("/{item}")
    async def item(item: str) -> str:
        return item

    app.include_router(router)
    before = counted("GET", "/v1/prefixed/{item}", "200")
    await client.get("/v1/prefixed/a")
    assert counted("GET", "/v1/prefixed/{item}", "200") == before + 1


@pytest.mark.parametrize("path", ["/v1/learners/l1/notes", "/v1/learners/l2/notes"])
async def test_what_somebody_asked_for_is_stored_in_no_cache(
    client: httpx.AsyncClient, issuer: LocalIssuer, path: str
) -> None:
    """Their own data, and that they may not see another's."""
    answer = await client.get(path, headers=issuer.headers("learner", learner_id="l1"))
    assert answer.headers["cache-control"] == "no-store"


async def test_a_routes_own_word_on_caches_stands(
    app: FastAPI, client: httpx.AsyncClient, issuer: LocalIssuer
) -> None:
    """Said once; and what anybody may have, asked by nobody, stays as it is."""

    @app.get("/v1/keys", dependencies=[public()])
    async def keys(response: Response) -> dict[str, str]:
        response.headers["Cache-Control"] = "public, max-age=60"
        return {}

    answer = await client.get("/v1/keys", headers=issuer.headers("operator"))
    assert answer.headers.get_list("cache-control") == ["public, max-age=60"]
    assert "cache-control" not in (await client.get("/v1/shelf")).headers


async def test_what_nobody_serves_is_one_series(client: httpx.AsyncClient) -> None:
    """Scanners cannot fill the metrics with made-up paths and methods."""
    before = counted("GET", "unmatched", "404"), counted("other", "unmatched", "404")
    await client.get("/wp-login.php")
    await client.get("/.env")
    await client.request("BREW", "/coffee")
    after = counted("GET", "unmatched", "404"), counted("other", "unmatched", "404")
    assert after == (before[0] + 2, before[1] + 1)


async def test_faults_are_counted_as_500(client: httpx.AsyncClient) -> None:
    """An exception out of a route is a request like any other."""
    before = counted("GET", "/v1/fails/{how}", "500")
    await client.get("/v1/fails/unexpected")
    assert counted("GET", "/v1/fails/{how}", "500") == before + 1


async def test_a_request_continues_its_callers_trace(
    client: httpx.AsyncClient, exported: InMemorySpanExporter
) -> None:
    """One trace id from the caller through us; the span is named by the route."""
    span = await server_span(client, exported)
    assert span.context is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert span.name == "GET /v1/learners/{learner_id}/notes"
    assert span.attributes is not None
    assert span.attributes["http.response.status_code"] == 401


async def test_a_span_of_a_fault_is_failed_without_its_text(
    client: httpx.AsyncClient, exported: InMemorySpanExporter
) -> None:
    """A collector is no place for what a person sent."""
    await client.get("/v1/fails/unexpected")
    (span,) = exported.get_finished_spans()
    assert span.attributes is not None
    assert span.attributes["error.type"] == "500"
    assert "Asha" not in span.to_json()

"""Whatever goes wrong, the client gets a problem document that says what to do."""

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from pravah_shared.http.issuer import LocalIssuer
from pravah_shared.http.limits import BODY_BYTES

GOOD: dict[str, Any] = {"learner_id": "l1", "title": "Ethics"}


async def post(
    client: httpx.AsyncClient, issuer: LocalIssuer, content: Any, **headers: str
) -> httpx.Response:
    """Post a body as an operator."""
    given = {"Content-Type": "application/json", **issuer.headers("operator"), **headers}
    body = content if isinstance(content, (bytes, str)) else json.dumps(content)
    return await client.post("/v1/notes", content=body, headers=given)


def is_problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """Return the problem document, checked for the members of RFC 9457."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    return problem


async def test_a_good_request_is_taken(client: httpx.AsyncClient, issuer: LocalIssuer) -> None:
    """The tests below fail for their own reasons."""
    assert (await post(client, issuer, GOOD)).json() == {"title": "Ethics"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"learner_id": None}, ("learner_id", "string", "send a string")),
        ({"learner_id": "a|b"}, ("learner_id", "not allowed", "letters, digits")),
        ({"learner_id": "l1\n"}, ("learner_id", "not allowed", "letters, digits")),
        ({"title": "a\u0007b"}, ("title", "control character", "without it")),
        ({"title": ""}, ("title", "at least 1", "at least 1 characters")),
        ({"seconds": -5}, ("seconds", "got -5", "send 0 or more")),
        ({"seconds": 101}, ("seconds", "got 101", "send 100 or less")),
        ({"seconds": "many"}, ("seconds", "integer", "whole number")),
        ({"at": "yesterday"}, ("at", "datetime", "RFC 3339")),
        ({"at": "2026-01-31T10:00:00"}, ("at", "timezone", "offset")),
        ({"parts": {}}, ("parts", "tuple", "array")),
        ({"parts": [GOOD, {**GOOD, "seconds": -1}]}, ("parts[1].seconds", "got -1", "0 or more")),
    ],
)
async def test_a_wrong_field_is_named_with_its_remedy(
    change: dict[str, Any],
    expected: tuple[str, str, str],
    client: httpx.AsyncClient,
    issuer: LocalIssuer,
) -> None:
    """422 names the field, what is wrong with it, and what to send instead."""
    field, problem, remedy = expected
    (error,) = is_problem(await post(client, issuer, {**GOOD, **change}), 422)["errors"]
    assert error["field"] == field
    assert problem in error["problem"]
    assert remedy in error["remedy"]


async def test_missing_fields_are_all_named(client: httpx.AsyncClient, issuer: LocalIssuer) -> None:
    """One answer lists every mistake."""
    problem = is_problem(await post(client, issuer, {}), 422)
    assert [error["field"] for error in problem["errors"]] == ["learner_id", "title"]


async def test_refused_text_is_not_quoted(client: httpx.AsyncClient, issuer: LocalIssuer) -> None:
    """A refused value may be a name."""
    response = await post(client, issuer, {**GOOD, "learner_id": "Asha Rao"})
    assert "Asha" not in response.text


@pytest.mark.parametrize(
    "content",
    [
        b"{not json",
        b'{"learner_id": "\xff\xfe"}',
        b"\xff\xfe\xfd",
        b"[" * 100_000,
        b'{"seconds": ' + b"9" * 5_000 + b"}",
        b'{"title": "cut',
    ],
)
async def test_what_is_no_json_is_400(
    content: bytes, client: httpx.AsyncClient, issuer: LocalIssuer
) -> None:
    """Malformed JSON, invalid UTF-8, absurd nesting: the sender's encoder is at fault."""
    is_problem(await post(client, issuer, content), 400)


async def test_a_lone_surrogate_is_refused_and_answered(
    client: httpx.AsyncClient, issuer: LocalIssuer
) -> None:
    """JSON can carry what UTF-8 cannot, in values and in names of fields."""
    content = r'{"learner_id": "l1", "title": "\ud800", "\udc00": 1}'
    problem = is_problem(await post(client, issuer, content), 422)
    assert problem["errors"][0]["field"] == "title"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
async def test_another_content_type_is_explained(
    kind: str, client: httpx.AsyncClient, issuer: LocalIssuer
) -> None:
    """The remedy names the header."""
    response = await post(client, issuer, GOOD, **{"Content-Type": kind})
    assert "application/json" in is_problem(response, 422)["errors"][0]["remedy"]


async def test_a_large_body_is_refused_by_its_announcement(
    client: httpx.AsyncClient, issuer: LocalIssuer
) -> None:
    """Content-Length alone decides, before anything is read."""
    problem = is_problem(await post(client, issuer, b"x" * (BODY_BYTES + 1)), 413)
    assert str(BODY_BYTES) in problem["detail"]


async def test_a_body_at_the_limit_is_read(client: httpx.AsyncClient, issuer: LocalIssuer) -> None:
    """1 MiB itself is allowed: here, JSON padded with blanks."""
    content = json.dumps(GOOD).encode().ljust(BODY_BYTES)
    assert (await post(client, issuer, content)).status_code == 200


async def test_a_large_body_without_length_is_not_read_to_its_end(
    app: FastAPI, issuer: LocalIssuer
) -> None:
    """A chunked body is refused where it passes the limit; of its rest some is thrown away."""
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while True:
            sent += 1
            assert sent < 200, "read on beyond every limit"
            yield b" " * 100_000

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        headers = {"Content-Type": "application/json", **issuer.headers("operator")}
        response = await client.post("/v1/notes", content=endless(), headers=headers)
    is_problem(response, 413)


async def test_an_unknown_path_is_404(client: httpx.AsyncClient) -> None:
    """The answer points to the docs."""
    assert "/docs" in is_problem(await client.get("/v1/nothing"), 404)["detail"]


async def test_a_wrong_method_is_405(client: httpx.AsyncClient) -> None:
    """The Allow header says what is taken."""
    response = await client.delete("/v1/notes")
    is_problem(response, 405)
    assert response.headers["allow"] == "POST"


async def test_an_outage_is_503_and_asks_to_come_back(client: httpx.AsyncClient) -> None:
    """Nothing is wrong with the request; nothing of our inside is told."""
    response = await client.get("/v1/fails/transient")
    problem = is_problem(response, 503)
    assert int(response.headers["retry-after"]) > 0
    assert "mongodb" not in json.dumps(problem)


async def test_what_the_store_can_never_take_is_422(client: httpx.AsyncClient) -> None:
    """Sending it again would not help, so it is no 503."""
    assert is_problem(await client.get("/v1/fails/refused"), 422)["type"].endswith(":refused")


async def test_a_fault_of_ours_is_500_without_our_inside(client: httpx.AsyncClient) -> None:
    """No class, message, or stack; a trace id to report."""
    response = await client.get("/v1/fails/unexpected")
    problem = is_problem(response, 500)
    assert "Asha" not in response.text
    assert "ZeroDivision" not in response.text
    assert set(problem) <= {"type", "title", "status", "detail", "trace_id"}


async def test_the_answer_carries_the_callers_trace_id(client: httpx.AsyncClient) -> None:
    """A report of a problem leads to its log lines."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    response = await client.get("/v1/nothing", headers=headers)
    assert response.json()["trace_id"] == trace

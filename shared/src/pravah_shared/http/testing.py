"""For the tests of services: walks every cell of an application's access matrix.

    async def test_access(app: FastAPI, issuer: LocalIssuer) -> None:
        await walk_matrix(app, issuer, examples={
            ("POST", "/v1/enrollments"): lambda learner: Example(body={"learner_id": learner, …}),
        }, shared={("GET", "/v1/courses")})

Each request goes through the whole application, without a network. Nothing here is for services.
"""

import asyncio
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from fastapi import FastAPI
from starlette.types import Message

from pravah_shared.http.identity import ROLES, AccessRow, Allow, Role, access_matrix
from pravah_shared.http.issuer import LocalIssuer

LEARNER: Final = "a-walking-learner"
OTHER: Final = "another-learner"
DEADLINE_SECONDS: Final = 20
NOT_AUTHENTICATED: Final = 401
FORBIDDEN: Final = 403
FAULT: Final = 500

Route = tuple[str, str]
"""Method and path template."""


@dataclass(frozen=True, slots=True)
class Example:
    """A request about one learner's data: a path without placeholders, a body, or both."""

    path: str | None = None
    body: Any = None


Examples = Mapping[Route, Callable[[str], Example]]
"""By route, how to ask about the learner of an id."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One request of the walk and the statuses that may answer it."""

    row: AccessRow
    who: str
    example: Example
    token: str | None
    expected: Callable[[int], bool]
    promise: str


async def walk_matrix(
    app: FastAPI,
    issuer: LocalIssuer,
    *,
    examples: Examples | None = None,
    shared: Collection[Route] = (),
) -> None:
    """Ask every route as everybody, and fail with all cells that answer otherwise than declared.

    Refused are: no token (401), each role that is not declared, a system without its scopes, a
    learner on another learner's data (403). Declared roles must come through (neither 401, 403
    nor 5xx), except mdo_admin, whose MDO's learners the walk does not know.

    A route that a learner may call without `{learner_id}` in its path needs an entry in
    `examples`, or in `shared` when what it shows belongs to no learner.
    """
    rows = [row for row in access_matrix(app) if not row.is_public]
    wrong = [
        failure
        for row in rows
        for cell in _cells(row, issuer, examples or {}, shared)
        if (failure := await _failure(app, cell))
    ]
    assert not wrong, "\n".join(wrong)


def _cells(
    row: AccessRow, issuer: LocalIssuer, examples: Examples, shared: Collection[Route]
) -> Iterator[Cell]:
    assert isinstance(row.access, Allow)
    route = (row.method, row.path)
    ask = examples.get(route, _by_path_alone)
    own, others = (_example(row, ask(learner), learner) for learner in (LEARNER, OTHER))
    yield Cell(row, "nobody", own, None, _is(NOT_AUTHENTICATED), "401")
    yield Cell(row, "a forger", own, "e30.e30.e30", _is(NOT_AUTHENTICATED), "401")
    for role in ROLES:
        token = _token(issuer, role, row.access)
        if role not in row.access.roles:
            yield Cell(row, role, own, token, _is(FORBIDDEN), "403")
        elif role != "mdo_admin":
            yield Cell(row, role, own, token, _comes_through, "an answer")
    if "system" in row.access.roles:
        bare = issuer.token("system", scopes=["none:such"])
        yield Cell(row, "a system without scopes", own, bare, _is(FORBIDDEN), "403")
    if "learner" in row.access.roles and route not in shared:
        assert "{learner_id}" in row.path or route in examples, (
            f"{row.method} {row.path} is open to learners: give walk_matrix an example of how to "
            "ask for another learner's data, or name it in `shared`"
        )
        token = _token(issuer, "learner", row.access)
        yield Cell(row, "another learner", others, token, _is(FORBIDDEN), "403")


def _by_path_alone(_learner_id: str) -> Example:
    return Example()


def _token(issuer: LocalIssuer, role: Role, access: Allow) -> str:
    learner_id = LEARNER if role == "learner" else None
    mdo_id = "an-mdo" if role == "mdo_admin" else None
    scopes = sorted(access.scopes) if role == "system" else ()
    return issuer.token(role, learner_id=learner_id, mdo_id=mdo_id, scopes=scopes)


def _is(status: int) -> Callable[[int], bool]:
    return lambda given: given == status


def _comes_through(status: int) -> bool:
    return status not in {NOT_AUTHENTICATED, FORBIDDEN} and status < FAULT


def _example(row: AccessRow, example: Example, learner_id: str) -> Example:
    path = row.path.replace("{learner_id}", quote(learner_id))
    path = re.sub(r"\{[^}]*\}", "sample-1", path)
    return Example(example.path or path, example.body)


async def _failure(app: FastAPI, cell: Cell) -> str | None:
    assert cell.example.path is not None
    status = await status_of(app, cell.row.method, cell.example.path, cell.token, cell.example.body)
    if cell.expected(status):
        return None
    return f"{cell.row.method} {cell.row.path} as {cell.who}: {status}, expected {cell.promise}"


async def status_of(
    app: FastAPI, method: str, path: str, token: str | None = None, body: Any = None
) -> int:
    """Return the status of one request; the client is gone once it has it, as a stream allows."""
    content = b"" if body is None else json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"host", b"test")]
    if token is not None:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    route, _, query = path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": route,
        "raw_path": route.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("test", 80),
    }
    answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    received = iter([{"type": "http.request", "body": content, "more_body": False}])

    async def receive() -> Message:
        return next(received, None) or await _disconnect(answered)

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start" and not answered.done():
            answered.set_result(message["status"])

    async with asyncio.timeout(DEADLINE_SECONDS):
        await app(scope, receive, send)
        return await answered


async def _disconnect(answered: "asyncio.Future[int]") -> Message:
    await asyncio.shield(answered)
    return {"type": "http.disconnect"}

"""The fast lane of ingest: takes what it can read at once, leaves all else to the declared routes.

ASGI, inside `Edge` (trace, metric, limits) and in front of FastAPI. A request whose token is known
and whose body is plain costs less here than FastAPI spends on looking at it. Whatever is unusual
(another content type, a notation or a mistake that the contract must judge) goes on to the route
as if nothing had been here: `writes.py` is the one declaration, and test_lane.py sends the same
requests through both. Nothing is under way, on either lane, that the gate has not let in.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pravah_progress.api.answers import batch_accepted, overloaded, unless_invalid
from pravah_progress.api.gate import Full, Gate
from pravah_progress.api.parts import Parts
from pravah_progress.api.reading import is_text, read, read_batch
from pravah_progress.api.writes import PARTLY, SENDER
from pravah_shared.errors import Transient
from pravah_shared.http.identity import Allow, Principal
from pravah_shared.http.problems import Problem, of_transient, problem_response

JSON: Final = b"application/json"
TAKEN: Final = 202

Taker = Callable[[Parts, Principal, bytes], Awaitable[tuple[int, bytes] | None]]
"""Takes a body and returns status and content of the answer; None: the declared route shall."""
Headers = dict[bytes, bytes]


@dataclass(frozen=True, slots=True)
class _Route:
    """What requests are counted by, and what takes them."""

    path: str
    take: Taker


class Lane:
    """ASGI middleware for `POST /v1/progress` and `/v1/progress/batch`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._allow: Allow = SENDER.dependency
        taken = {"/v1/progress": _take_one, "/v1/progress/batch": _take_batch}
        self._routes = {path: _Route(path, take) for path, take in taken.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        route = self._routes.get(scope["path"]) if scope["type"] == "http" else None
        if route is None or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        scope["route"] = route
        parts: Parts = scope["app"].state.parts
        body = _Body(receive, parts.gate)
        try:
            await self._serve(scope, body, send, route.take)
        except Full:
            await problem_response(overloaded(parts.pacer.book()))(scope, receive, send)
        except Problem as problem:
            await problem_response(problem)(scope, receive, send)
        except Transient as error:
            await problem_response(of_transient(error))(scope, receive, send)
        finally:
            body.leave()

    async def _serve(self, scope: Scope, body: "_Body", send: Send, take: Taker) -> None:
        headers: Headers = dict(scope["headers"][::-1])  # of a repeated one the first counts
        # Before the body is read: nobody holds memory here without a token.
        principal = await self._principal(scope, headers)
        content = await body.read()
        if content is None:
            return  # the client has gone
        answer = None
        if headers.get(b"content-type") == JSON and is_text(content):
            answer = await take(scope["app"].state.parts, principal, content)
        if answer is None:
            await self._app(scope, body.again, send)
        else:
            await _answer(send, *answer)

    async def _principal(self, scope: Scope, headers: Headers) -> Principal:
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if scheme == b"Bearer":
            known = scope["app"].state.verifier.known(token.strip().decode("latin-1"))
            if known is not None:
                return self._allow.acting(known)
        return await self._allow(Request(scope))


async def _take_one(parts: Parts, principal: Principal, body: bytes) -> tuple[int, bytes] | None:
    report = read(body)
    if report is None:
        return None
    (taken,) = await parts.ingest.take(principal, [report])
    if isinstance(taken, Problem):
        raise taken
    said = (report.count, taken.partition, taken.offset, parts.pacer.book())
    return TAKEN, b'{"accepted":%d,"token":"%d.%d","flush_after_seconds":%d}' % said


async def _take_batch(parts: Parts, principal: Principal, body: bytes) -> tuple[int, bytes] | None:
    found = read_batch(body)
    if found is None:
        return None
    reports = [unless_invalid(one) for one in found]
    taken = await parts.ingest.take(principal, reports)
    answer = batch_accepted(taken, parts.pacer.book(len(reports)))
    return PARTLY if answer.refused else TAKEN, answer.model_dump_json().encode()


class _Body:
    """A request's body, in the gate's books while it is needed."""

    __slots__ = ("_content", "_entered", "_gate", "_held", "_receive")

    def __init__(self, receive: Receive, gate: Gate) -> None:
        self._receive = receive
        self._gate = gate
        self._content: bytes | None = None
        self._held = 0
        self._entered = False

    async def read(self) -> bytes | None:
        """Return all of it, None when the client has gone. Then the request is under way.

        Raises:
            Full: there is no room for it.
        """
        content, more = b"", True
        while more:
            message = await self._receive()
            if message["type"] != "http.request":
                return None
            chunk = message.get("body", b"")
            self._gate.hold(len(chunk))
            self._held += len(chunk)
            content = content + chunk if content else chunk
            more = message.get("more_body", False)
        self._gate.enter()
        self._entered = True
        self._content = content
        return content

    async def again(self) -> Message:
        """Return the body once more, and then what comes after it."""
        content, self._content = self._content, None
        if content is None:
            return await self._receive()
        return {"type": "http.request", "body": content, "more_body": False}

    def leave(self) -> None:
        """The request has its answer."""
        self._gate.release(self._held)
        if self._entered:
            self._gate.leave()


async def _answer(send: Send, status: int, content: bytes) -> None:
    headers = [
        (b"content-length", b"%d" % len(content)),
        (b"content-type", JSON),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})

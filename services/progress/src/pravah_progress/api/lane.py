"""The fast lane of ingest: takes what it can read at once, leaves all else to the declared routes.

ASGI, in front of the whole application. A request whose token is good and whose body is plain costs
less here than FastAPI and the layers around it spend on looking at it. Whatever is unusual (another
content type, a notation or a mistake that the contract must judge) goes on to the route as if
nothing had been here: `writes.py` is the one declaration, and test_lane.py sends the same requests
through both. Nothing is under way, on either lane, that the gate has not let in.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from pravah_progress.api.answers import batch_accepted, overloaded, unless_invalid
from pravah_progress.api.gate import Full, Gate
from pravah_progress.api.parts import Parts
from pravah_progress.api.reading import is_text, read, read_batch
from pravah_progress.api.writes import PARTLY, SENDER
from pravah_shared.http import edge
from pravah_shared.http.app import Application
from pravah_shared.http.identity import Allow, Principal
from pravah_shared.http.limits import BODY_BYTES
from pravah_shared.http.problems import problem_of, problem_response
from pravah_shared.telemetry import traces

if TYPE_CHECKING:
    from pravah_shared.http.tokens import TokenVerifier

JSON: Final = b"application/json"
TAKEN: Final = 202

Headers = Mapping[bytes, bytes]


class _Answer(NamedTuple):
    """What goes out: of somebody's data or trials, so no cache keeps it."""

    status: int
    content: bytes
    headers: list[tuple[bytes, bytes]]

    @classmethod
    def json(cls, status: int, content: bytes) -> "_Answer":
        """Return an answer of what was asked for."""
        length = (b"content-length", b"%d" % len(content))
        return cls(status, content, [length, (b"content-type", JSON), edge.NO_STORE])

    @classmethod
    def refusal(cls, error: Exception) -> "_Answer":
        """Return an answer that says why not."""
        response = problem_response(problem_of(error))
        headers = [*response.raw_headers, edge.NO_STORE]
        return cls(response.status_code, bytes(response.body), headers)

    async def send(self, send: Send) -> None:
        """Send it."""
        start = {"type": "http.response.start", "status": self.status, "headers": self.headers}
        await send(start)
        await send({"type": "http.response.body", "body": self.content})


_GONE: Final = _Answer(0, b"", [])
"""The client has left: nothing goes out."""

Taker = Callable[[Parts, Principal, bytes], Awaitable[_Answer | None]]
"""Takes a body; None: the declared route shall."""


class Lane:
    """ASGI: `POST /v1/progress` and `/v1/progress/batch`; `beyond` takes all else."""

    def __init__(self, parts: Parts, app: Application) -> None:
        self._parts = parts
        self._verifier: TokenVerifier = app.state.verifier
        self._app = app
        self._beyond = app.beyond_lane
        self._allow: Allow = SENDER.dependency
        self._takers: Mapping[str, Taker] = {
            "/v1/progress": _take_one,
            "/v1/progress/batch": _take_batch,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        take = self._takers.get(scope["path"]) if scope["type"] == "http" else None
        if take is None or scope["method"] != "POST":
            await self._beyond(scope, receive, send)
            return
        began = time.perf_counter()
        headers: Headers = dict(scope["headers"][::-1])  # of a repeated one the first counts
        if edge.announced_bytes(headers) > BODY_BYTES:
            await self._beyond(scope, receive, send)  # which refuses it before it is read
            return
        body = _Body(receive, self._parts.gate)
        try:
            with traces.request_span("POST", edge.traceparent_of(headers)) as span:
                answer = await self._answer(take, scope, headers, body)
                if answer is not None:
                    if answer is not _GONE:
                        await answer.send(send)
                    seconds = time.perf_counter() - began
                    edge.record("POST", scope["path"], answer.status, seconds, span)
            if answer is None:
                await self._beyond(scope, body.again, send)
        finally:
            body.leave()

    async def _answer(
        self, take: Taker, scope: Scope, headers: Headers, body: "_Body"
    ) -> _Answer | None:
        """Return the answer; None: the declared route shall give it."""
        try:
            principal = self._known(headers)
            if principal is None:
                principal = await self._allow(Request({**scope, "app": self._app}))
            # Not before: nobody holds memory here without a token.
            content = await body.read()
            if content is None or headers.get(b"content-type") != JSON or not is_text(content):
                return None
            return await take(self._parts, principal, content)
        except ClientDisconnect:
            return _GONE
        except Full:
            return _Answer.refusal(overloaded(self._parts.pacer.book()))
        except Exception as error:  # noqa: BLE001 - as at the edge: a client always gets an answer
            return _Answer.refusal(error)

    def _known(self, headers: Headers) -> Principal | None:
        """Return the sender of a token that was verified before."""
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if scheme != b"Bearer":
            return None
        known = self._verifier.known(token.strip().decode("latin-1"))
        return None if known is None else self._allow.acting(known)


async def _take_one(parts: Parts, principal: Principal, body: bytes) -> _Answer | None:
    report = read(body)
    if report is None:
        return None
    at = await parts.ingest.take_one(principal, report)
    said = (report.count, at.partition, at.offset, parts.pacer.book())
    content = b'{"accepted":%d,"token":"%d.%d","flush_after_seconds":%d}' % said
    return _Answer.json(TAKEN, content)


async def _take_batch(parts: Parts, principal: Principal, body: bytes) -> _Answer | None:
    found = read_batch(body)
    if found is None:
        return None
    reports = [unless_invalid(one) for one in found]
    taken = await parts.ingest.take(principal, reports)
    said = batch_accepted(taken, parts.pacer.book(len(reports)))
    return _Answer.json(PARTLY if said.refused else TAKEN, said.model_dump_json().encode())


class _Body:
    """A request's body, in the gate's books while it is needed."""

    __slots__ = ("_content", "_entered", "_gate", "_held", "_more", "_receive")

    def __init__(self, receive: Receive, gate: Gate) -> None:
        self._receive = receive
        self._gate = gate
        self._content: bytes | None = None
        self._held = 0
        self._entered = False
        self._more = True

    async def read(self) -> bytes | None:
        """Return all of it; then the request is under way.

        None: there is more of it than any request may bring, as who asks `again` will find.

        Raises:
            Full: there is no room for it.
            ClientDisconnect: the client has gone.
        """
        content = b""
        while self._more:
            message = await self._receive()
            if message["type"] != "http.request":
                raise ClientDisconnect
            chunk = message.get("body", b"")
            self._gate.hold(len(chunk))
            self._held += len(chunk)
            self._content = content = content + chunk if content else chunk
            self._more = message.get("more_body", False)
            if self._held > BODY_BYTES:
                return None
        self._gate.enter()
        self._entered = True
        return content

    async def again(self) -> Message:
        """Return what was read once more, and then what comes after it."""
        content, self._content = self._content, None
        if content is None:
            return await self._receive()
        return {"type": "http.request", "body": content, "more_body": self._more}

    def leave(self) -> None:
        """The request has its answer."""
        self._gate.release(self._held)
        if self._entered:
            self._gate.leave()

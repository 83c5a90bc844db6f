"""The outermost layer of every API: trace, metric, request limits, and the last error handler.

Plain ASGI, for it runs on every request of the hot path. In order: continue the caller's trace,
refuse a body that is too large before it is read, run the application, answer 500 where nothing
else answered, keep answers to somebody out of every cache, count the request by its route template.
"""

import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from opentelemetry.trace import Span
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pravah_shared.http.discarding import Body
from pravah_shared.http.limits import Limited
from pravah_shared.http.problems import Problem, problem_of, problem_response
from pravah_shared.telemetry import metrics, traces

UNMATCHED: Final = "unmatched"
"""Route label of paths that we do not serve: the path itself would be a series for each try."""
TOO_LARGE: Final = 413
NO_STORE: Final = (b"cache-control", b"no-store")
CREDENTIALS: Final = frozenset({b"authorization", b"cookie"})
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Edge:
    """ASGI middleware; `create_app` puts it outside of all others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, whatever happens under it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_at = time.perf_counter()
        body = Body(receive)
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        answer = _Answer(send, body, for_somebody=not CREDENTIALS.isdisjoint(headers))
        method = scope["method"] if scope["method"] in METHODS else "other"
        with traces.request_span(method, traceparent_of(headers)) as span:
            try:
                await self._serve(scope, announced_bytes(headers), body.receive, answer)
            finally:
                seconds = time.perf_counter() - started_at
                record(method, _route(scope), answer.status, seconds, span)

    async def _serve(
        self, scope: Scope, announced: int, receive: Receive, answer: "_Answer"
    ) -> None:
        request = Limited(announced, receive)
        try:
            request.refuse_announced()
            await self._app(scope, request.receive, answer.send)
        except Exception as error:  # noqa: BLE001 - the edge: a client always gets an answer
            await _answer_problem(problem_of(error), scope, receive, answer)


class _Answer:
    """Remembers the status that went out, so that nobody answers twice.

    A body that is too large is read to its end, and thrown away, before its answer ends: closing
    on unread bytes resets the connection, and a client that sends first and then reads would
    never see why (RFC 9112 section 9.6).

    What somebody in particular asked for is stored nowhere, not in a shared computer's browser
    either, unless the route says otherwise (RFC 9111 section 5.2.2.5).
    """

    def __init__(self, send: Send, body: Body, *, for_somebody: bool) -> None:
        self._send = send
        self._body = body
        self._for_somebody = for_somebody
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self._for_somebody:
                message = _uncached(message)
        elif self.status == TOO_LARGE and not message.get("more_body"):
            await self._send({**message, "more_body": True})
            await self._body.discard()
            message = {"type": "http.response.body"}
        await self._send(message)


async def _answer_problem(
    problem: Problem, scope: Scope, receive: Receive, answer: _Answer
) -> None:
    """Answer, unless an answer has begun: then the server cuts the connection, as it must."""
    if not answer.status:
        await problem_response(problem)(scope, receive, answer.send)


def _uncached(start: Message) -> Message:
    headers = list(start.get("headers", ()))
    for name, _ in headers:
        if name.lower() == b"cache-control":
            return start
    return {**start, "headers": [*headers, NO_STORE]}


def traceparent_of(headers: Mapping[bytes, bytes]) -> str | None:
    """Return the caller's W3C traceparent, as it was sent."""
    given = headers.get(b"traceparent")
    return None if given is None else given.decode("latin-1")


def announced_bytes(headers: Mapping[bytes, bytes]) -> int:
    """Return how long the body is said to be; 0: nothing is said that can be read."""
    given = headers.get(b"content-length", b"")
    return int(given[:20]) if given.isdigit() else 0


@lru_cache(maxsize=1024)
def _seconds(method: str, route: str, status: int) -> Any:
    """Return the series of such requests; finding it costs more than observing."""
    return metrics.HTTP_REQUEST_SECONDS.labels(method, route, status or "none")


def record(method: str, route: str, status: int, seconds: float, span: Span) -> None:
    """Count a request by its route's template, and tell its span. Status 0: no answer went out."""
    _seconds(method, route, status).observe(seconds)
    if not span.is_recording():
        return
    span.update_name(f"{method} {route}")
    span.set_attributes(
        {
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": status,
        }
    )
    if status >= 500:  # noqa: PLR2004 - HTTP: the server's fault
        traces.fail(span, str(status))


def _route(scope: Scope) -> str:
    """Return the template of the matched route; the router leaves it in the scope."""
    route: Any = scope.get("route")
    return str(getattr(route, "path", UNMATCHED))

"""uvicorn's HTTP protocol with limits for how a request arrives.

By itself it takes a head of any size and waits for it, and for the body, for ever: memory and
connections for anybody, without a token. `Limited` bounds the body's size. Its time is watched here
because here alone is known that there is nothing to wait for: nearly all requests come in one piece
and need no timer. Answers leave through a `CoalescingTransport`.
"""

from asyncio import BaseTransport, TimerHandle
from typing import TYPE_CHECKING, Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pravah_shared.http import limits
from pravah_shared.http.coalescing import CoalescingTransport
from pravah_shared.http.limits import BODY_BYTES

if TYPE_CHECKING:
    from asyncio import Transport

HEAD_BYTES: Final = 64 * 1024
"""Request line and headers: a token has at most 8 KiB, a path far less."""
HEAD_SECONDS: Final = 30.0
"""From a connection, or a head's first byte, to its end."""
MESSAGE_BYTES: Final = HEAD_BYTES + 8 * BODY_BYTES
"""A whole request on the wire: a body in chunks of one byte is six times as long, and trailers."""

LATE: Final = (
    b'{"type":"about:blank","title":"Request Timeout","status":408,'
    b'"detail":"The body did not arrive in time; send it again"}'
)
LATE_ANSWER: Final = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: application/problem+json\r\n"
    b"connection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(LATE), LATE)
)


class BoundedProtocol(HttpToolsProtocol):
    """Closes a connection whose request is too large or too slow to be one."""

    def __init__(self, *of_uvicorn: Any, **named: Any) -> None:
        super().__init__(*of_uvicorn, **named)
        self._in_head = False
        self._bytes = 0
        self._waiting: TimerHandle | None = None
        self._waiting_for_body: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Wait for a request, but not for ever."""
        # By what it does, not by its class: uvloop's is none of asyncio's.
        coalescing: Any = CoalescingTransport(cast("Transport", transport), self.loop)
        super().connection_made(coalescing)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        self._stop_waiting()
        self._stop_waiting_for_body()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, within the limits."""
        super().data_received(data)
        self._bytes += len(data)
        if self._in_head:
            self._wait_for_head()
            if self._bytes > HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response(f"Request line and headers exceed {HEAD_BYTES} bytes.")
        elif self._bytes > MESSAGE_BYTES:
            self.transport.abort()
        elif self._waiting_for_body is None and self.cycle is not None and self.cycle.more_body:
            wait = self.loop.call_later(limits.BODY_SECONDS, self._body_is_late)
            self._waiting_for_body = wait

    def on_message_begin(self) -> None:
        """Count anew."""
        super().on_message_begin()
        self._in_head = True
        self._bytes = 0

    def on_headers_complete(self) -> None:
        """Leave the rest to the application's own limits."""
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body is there."""
        self._stop_waiting_for_body()
        super().on_message_complete()

    def _body_is_late(self) -> None:
        """Say so, unless an answer has begun; the application sees a client that has gone."""
        if self.cycle.response_started:
            self.transport.abort()
            return
        self.cycle.response_started = True
        self.transport.write(LATE_ANSWER)
        self.transport.close()

    def _stop_waiting_for_body(self) -> None:
        if self._waiting_for_body is not None:
            self._waiting_for_body.cancel()
            self._waiting_for_body = None

    def _wait_for_head(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

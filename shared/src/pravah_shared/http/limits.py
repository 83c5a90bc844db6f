"""Limits of a request: how large its body may be, and how long it may take to arrive."""

import asyncio
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope

BODY_BYTES: Final = 1024 * 1024
"""Kafka takes no record above 1 MiB (streams.md of the design), and a body becomes one."""
BODY_SECONDS: Final = 30.0
"""For the whole body: a phone on a slow link sends 1 MiB in this time. Counted anew for each part,
a byte every half minute would hold a connection for a year."""

CLOSE: Final = {"Connection": "close"}  # what still comes on this connection is the body's rest


class Limited:
    """Reads a request's body within its limits. Use it in place of the server's `receive`.

    Raises HTTPException 413 or 408: the framework lets those through its own body reading, which
    turns all else into 400.
    """

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._receive = receive
        self._announced = _announced_bytes(scope)
        self._received = 0
        self._complete = False
        self._until: float | None = None

    def refuse_announced(self) -> None:
        """Refuse by Content-Length, before anything is read."""
        self._check(self._announced)

    async def receive(self) -> Message:
        """Return the server's next message; a body is waited for BODY_SECONDS in all."""
        if self._complete:  # what follows is the disconnect, and a stream may run for hours
            return await self._receive()
        if self._until is None:
            self._until = asyncio.get_running_loop().time() + BODY_SECONDS
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError as error:
            detail = f"The body did not arrive within {BODY_SECONDS:g} s; send it again"
            raise HTTPException(408, detail, CLOSE) from error
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            self._check(self._received)
            self._complete = not message.get("more_body", False)
        return message

    def _check(self, size: int) -> None:
        if size > BODY_BYTES:
            detail = f"A body may have at most {BODY_BYTES} bytes; send several smaller requests"
            raise HTTPException(413, detail, CLOSE)


def _announced_bytes(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0

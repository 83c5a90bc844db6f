"""Limits of a request: how large its body may be, and how long it may take to arrive."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

BODY_BYTES: Final = 1024 * 1024
"""Kafka takes no record above 1 MiB (streams.md of the design), and a body becomes one."""
BODY_SECONDS: Final = 30.0
"""For the whole body: a phone on a slow link sends 1 MiB in this time. Counted anew for each part,
a byte every half minute would hold a connection for a year."""

CLOSE: Final = {"Connection": "close"}  # what still comes on this connection is the body's rest


class Limited:
    """Reads a request's body within its limit. Use it in place of the server's `receive`.

    Raises HTTPException 413: the framework lets that through its own body reading, which turns all
    else into 400. The time limit is the server's (head.py).
    """

    def __init__(self, announced_bytes: int, receive: Receive) -> None:
        self._receive = receive
        self._announced = announced_bytes
        self._received = 0

    def refuse_announced(self) -> None:
        """Refuse by Content-Length, before anything is read."""
        self._check(self._announced)

    async def receive(self) -> Message:
        """Return the server's next message."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
            self._check(self._received)
        return message

    def _check(self, size: int) -> None:
        if size > BODY_BYTES:
            detail = f"A body may have at most {BODY_BYTES} bytes; send several smaller requests"
            raise HTTPException(413, detail, CLOSE)

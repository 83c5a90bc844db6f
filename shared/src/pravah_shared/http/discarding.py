"""A request's body as it comes, and how its rest is thrown away once it is refused."""

import asyncio
import contextlib
from typing import Final

from starlette.types import Message, Receive

DISCARD_BYTES: Final = 16 * 1024 * 1024
"""Of a body that is too large. Who sends more has not read the documentation, nor the answer."""
DISCARD_SECONDS: Final = 10.0
IDLE_SECONDS: Final = 2.0
"""A client that waits for its answer before it sends on must not wait longer for the end."""


class Body:
    """Passes a body on, and knows whether its end has come."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ended = False

    async def receive(self) -> Message:
        """Return the server's next message."""
        message = await self._receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            self._ended = True
        return message

    async def discard(self) -> None:
        """Read on to the end, as far and as long as the limits allow."""
        left = DISCARD_BYTES
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DISCARD_SECONDS):
                while left > 0 and not self._ended:
                    async with asyncio.timeout(IDLE_SECONDS):
                        message = await self.receive()
                    left -= len(message.get("body", b""))

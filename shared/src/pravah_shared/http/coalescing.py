"""A transport that sends what is written in one turn of the event loop as one piece."""

from asyncio import AbstractEventLoop, Transport
from typing import Any


class CoalescingTransport:
    """Stands for `transport`. The server writes an answer's head and body apart.

    Each write is a call of the kernel and a packet of its own; of a small answer they are a large
    part of its cost, here and at the client. What is held goes out before the next turn, so
    nothing waits for a body that comes later.
    """

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, piece: bytes) -> None:
        """Send it with all else of this turn."""
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(piece)

    def close(self) -> None:
        """Send what is held, then close."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._held.clear()
        self._transport.abort()

    def _flush(self) -> None:
        if self._held:
            self._transport.write(b"".join(self._held))
            self._held.clear()

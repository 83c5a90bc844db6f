"""Bounds what ingest has under way, so that too much is refused at once instead of late."""

from typing import Final

MOST_REQUESTS: Final = 2_000
"""Under way at once: less than half a second's work of a process, about 30 MiB of memory."""
MOST_BYTES: Final = 32 * 1024 * 1024
"""Of bodies, read or being read; what becomes of a body takes several times its bytes."""


class Full(Exception):  # noqa: N818 - a state, not a failure
    """There is no room; the sender should come later."""


class Gate:
    """Counts requests and bytes."""

    def __init__(self, most_requests: int = MOST_REQUESTS, most_bytes: int = MOST_BYTES) -> None:
        self.requests = 0
        self.bytes = 0
        self._most_requests = most_requests
        self._most_bytes = most_bytes

    @property
    def filled(self) -> float:
        """How full it is, 0 to 1."""
        return max(self.requests / self._most_requests, self.bytes / self._most_bytes)

    def enter(self) -> None:
        """Count a request, or raise Full."""
        if self.requests >= self._most_requests:
            raise Full
        self.requests += 1

    def leave(self) -> None:
        """A request has been answered."""
        self.requests -= 1

    def hold(self, size: int) -> None:
        """Count bytes, or raise Full."""
        if self.bytes + size > self._most_bytes:
            raise Full
        self.bytes += size

    def release(self, size: int) -> None:
        """Bytes are not needed any more."""
        self.bytes -= size

"""A breaker: when a channel as a whole fails, nothing is tried on it for a while."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Breaker:
    """Holds a channel back after it failed, longer each time, until it works again.

    `monotonic` is a clock in seconds. Not for threads.
    """

    monotonic: Callable[[], float]
    first_seconds: float = 1
    most_seconds: float = 30
    reason: str | None = None
    _hold_seconds: float = field(default=0, init=False)
    _until: float = field(default=0, init=False)

    @property
    def is_open(self) -> bool:
        """Whether the channel failed when it was last tried."""
        return self.reason is not None

    @property
    def wait_seconds(self) -> float:
        """How long until the channel may be tried again; 0: now."""
        return max(0.0, self._until - self.monotonic()) if self.is_open else 0.0

    def failed(self, reason: str) -> None:
        """Open, or stay open longer. Failures within one hold count as one."""
        if self.wait_seconds > 0:
            return
        self._hold_seconds = min(
            self.most_seconds, 2 * self._hold_seconds if self.is_open else self.first_seconds
        )
        self._until = self.monotonic() + self._hold_seconds
        self.reason = reason

    def worked(self) -> None:
        """Close: the channel answered."""
        self.reason = None

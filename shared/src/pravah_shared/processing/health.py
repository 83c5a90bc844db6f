"""What a loop tells its process's supervisors: alive, ready, or halted and why."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pravah_shared.telemetry import metrics

STALL_SECONDS = 120.0
"""Longest silence of a loop that has work. Above any single deadline, so that a slow store is
no stall; below what an operator would wait before restarting by hand."""


class Health:
    """The loop beats; who asks learns whether it still does.

    A process is *alive* unless its loop stopped beating: restarting may help. It is *ready* when
    it owns its share of the work, no dependency is away and nothing halted it.
    """

    def __init__(
        self,
        group: str,
        *,
        stall_seconds: float = STALL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.group = group
        self.joined = False
        self.halted_by: BaseException | None = None
        self._stall_seconds = stall_seconds
        self._clock = clock
        self._waiting = 0
        self._beat_at = clock()

    def beat(self) -> None:
        """Say that the loop turned: a batch ended, a retry was made, or nothing was to do."""
        self._beat_at = self._clock()
        metrics.LOOP_HEARTBEAT_TIMESTAMP_SECONDS.labels(self.group).set_to_current_time()

    @contextmanager
    def waiting_for_dependency(self) -> Iterator[None]:
        """Unready inside: a dependency is away and its call is being retried."""
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    def halt(self, cause: BaseException) -> None:
        """Unready for good: a person has to look. Still alive, as a restart would not help."""
        self.halted_by = cause

    @property
    def ready(self) -> bool:
        """Whether records are being handled, or would be if there were any."""
        return self.joined and not self._waiting and self.halted_by is None

    def alive(self) -> bool:
        """Whether the loop turns. False asks the supervisor for a restart."""
        if self.halted_by is not None:
            return True
        return self._clock() - self._beat_at < self._stall_seconds

"""In-place retry: an outage, however long, is waited out; it never becomes dead letters."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity.wait import wait_random_exponential

from pravah_shared.errors import Transient
from pravah_shared.processing.health import Health
from pravah_shared.telemetry.logs import get_logger

log = get_logger()

T = TypeVar("T")

FIRST_SECONDS = 0.2
MOST_SECONDS = 10.0
"""Bounds of the random wait. The upper one is how long an ended outage may go unnoticed."""


class Retry:
    """Repeats calls that raise `Transient`, for ever, with capped exponential waits.

    While a call is being retried the loop's health is unready but beating.
    """

    def __init__(
        self,
        health: Health,
        *,
        first_seconds: float = FIRST_SECONDS,
        most_seconds: float = MOST_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.health = health
        self._sleep = sleep
        # The whole wait is random: workers that lost one store do not come back in step.
        self._wait = wait_random_exponential(
            multiplier=first_seconds, max=most_seconds, min=first_seconds / 2
        )

    async def __call__(self, step: str, ask: Callable[[], Awaitable[T]]) -> T:
        """Await `ask()` until it raises no `Transient`. `step` names it in the log.

        Raises:
            Exception: whatever else `ask` raises, at once.
        """
        with ExitStack() as unready:

            async def say(state: RetryCallState) -> None:
                self._say(step, state)
                if state.attempt_number == 1:
                    unready.enter_context(self.health.waiting_for_dependency())

            attempts = AsyncRetrying(
                retry=retry_if_exception_type(Transient),
                wait=self._wait,
                sleep=self._sleep,
                before_sleep=say,
            )
            async for attempt in attempts:
                with attempt:
                    return await ask()
        raise AssertionError("unreachable: nothing stops the attempts")  # pragma: no cover

    def _say(self, step: str, state: RetryCallState) -> None:
        self.health.beat()
        error = state.outcome.exception() if state.outcome else None
        log.warning(
            "retry.waiting",
            step=step,
            attempt=state.attempt_number,
            wait_seconds=round(state.upcoming_sleep, 3),
            error=type(error).__name__,
            message=str(error),
        )

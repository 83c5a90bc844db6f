"""Waiting on a condition with a deadline: what tests do in place of sleeping."""

import asyncio
import time
from collections.abc import Awaitable, Callable

POLL_SECONDS = 0.05


def wait_until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    """Return as soon as `holds()`.

    Raises:
        TimeoutError: it did not hold within `seconds`; names `what` was waited for.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(POLL_SECONDS)


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float, what: str) -> None:
    """Return as soon as `await holds()`.

    Raises:
        TimeoutError: it did not hold within `seconds`; names `what` was waited for.
    """
    deadline = time.monotonic() + seconds
    while not await holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        await asyncio.sleep(POLL_SECONDS)

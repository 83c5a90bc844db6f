"""Ask for several things at once: calls to the store that do not build on each other."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, Protocol


class Together(Protocol):
    """Awaits all, each to its end, and returns their results in order.

    Raises what the first of them raised, in the order given, and not before all have ended: nothing
    that failed here can land after its repeat.
    """

    async def __call__(self, *works: Awaitable[Any]) -> Sequence[Any]:
        """See the class."""
        ...


async def together(*works: Awaitable[Any]) -> Sequence[Any]:
    """See `Together`. Each is a task of its own; one alone is simply awaited."""
    if len(works) == 1:
        return [await works[0]]
    results = await asyncio.gather(*works, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results

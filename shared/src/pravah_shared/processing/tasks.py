"""Tasks that live and die together."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def until_first_ends(*parts: Coroutine[Any, Any, Any]) -> None:
    """Run all; when the first ends, cancel the others and raise what it raised, if anything.

    Unlike a TaskGroup it takes a quiet end for an end: a stream without its sweeper is no stream.
    """
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()

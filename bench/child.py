"""A part of the bench in a process of its own, so that its CPU time is not in another's way."""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

from bench.results import WrongOutput


async def child(module: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Run `python -m module`: JSON on its standard input, JSON on its last line of output.

    Raises:
        WrongOutput: it failed.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate(json.dumps(asked).encode())
    if process.returncode:
        raise WrongOutput(f"{module} failed with code {process.returncode}")
    answer: dict[str, Any] = json.loads(said.splitlines()[-1])
    return answer

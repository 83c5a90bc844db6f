"""A part of the bench in a process of its own, so that its CPU time is not in another's way."""

import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.results import WrongOutput
from pravah_cli.local.process import tail


async def child(module: str, asked: Mapping[str, Any], log: Path | None = None) -> dict[str, Any]:
    """Run `python -m module`: JSON on its standard input, JSON on its last line of output.

    What it says beside that goes to `log`, or to where ours goes.

    Raises:
        WrongOutput: it failed.
    """
    with ExitStack() as opened:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=opened.enter_context(log.open("ab")) if log else None,
        )
        said, _ = await process.communicate(json.dumps(asked).encode())
    if process.returncode or not said:
        cause = f":\n{tail(log)}" if log else ""
        raise WrongOutput(f"{module} failed with code {process.returncode}{cause}")
    answer: dict[str, Any] = json.loads(said.splitlines()[-1])
    return answer

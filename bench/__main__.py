"""`python -m bench`: bring up the parts, measure, print the table, write bench/results.json."""

import argparse
import asyncio
import json
import logging
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench import ingest, page, stream
from bench.effort import FULL, QUICK, Effort
from bench.machine import Machine
from bench.parts import Parts, brought_up, flavour
from bench.results import COLUMNS, Result, WrongOutput
from bench.screen import Steps, steps
from pravah_cli.output import Output
from pravah_cli.testing.stack import describe
from pravah_shared.errors import PravahError

RESULTS = Path(__file__).with_name("results.json")
TABLE_CELLS = 100
"""The table is not folded where nobody says how wide the terminal is."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return the exit code.

    1: something did not start, or what was measured gave wrong output. No figure is written then.
    """
    chosen = _parser().parse_args(arguments)
    out, effort = Output(as_json=chosen.json), QUICK if chosen.quick else FULL
    out.console.width = max(out.console.width, TABLE_CELLS)
    machine = Machine.here(describe(flavour()))
    for line in machine.lines():
        out.line(line)
    try:
        results = _measured(effort)
    except (PravahError, WrongOutput) as error:
        sys.stderr.write(f"no figures: {error}\n")
        return 1
    RESULTS.write_text(json.dumps([result.as_json() for result in results], indent=2) + "\n")
    out.table(COLUMNS, [result.row() for result in results])
    out.result([result.as_json() for result in results])
    if chosen.page:
        page.update(chosen.page, machine, effort, results)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print results.json's content alone")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter turns: a look")
    parser.add_argument("--page", type=Path, help="put the table into this document, too")
    return parser


def _measured(effort: Effort) -> list[Result]:
    """Bring up, measure, take down, however it ends."""
    logging.getLogger("aiokafka").setLevel(logging.ERROR)  # a fresh topic's leader takes a moment
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    state = Path(tempfile.mkdtemp(prefix="pravah-bench-"))
    try:
        with steps(effort.ingest_turns + effort.stream_turns) as teller, brought_up(state) as parts:
            return asyncio.run(_measure(parts, effort, teller))
    finally:
        shutil.rmtree(state, ignore_errors=True)


async def _measure(parts: Parts, effort: Effort, teller: Steps) -> list[Result]:
    return [
        *await ingest.measure(parts, effort, teller),
        *await stream.measure(parts, effort, teller),
    ]


if __name__ == "__main__":
    sys.exit(main())

"""`python -m bench`: bring up the parts, measure, print the table, write bench/results.json."""

import argparse
import asyncio
import json
import logging
import shutil
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from bench import faust_intake, ingest, latency, page, profile, stream
from bench.contest import race
from bench.effort import FULL, QUICK, Effort
from bench.machine import Machine
from bench.parts import Parts, brought_up, flavour
from bench.results import COLUMNS, Line, WrongOutput
from bench.screen import Steps, steps
from bench.volume import growth, scale
from pravah_cli.output import Output
from pravah_cli.testing.stack import describe
from pravah_shared.errors import PravahError

RESULTS = Path(__file__).with_name("results.json")
TABLE_CELLS = 200
"""The table is not folded where nobody says how wide the terminal is."""

Measurement = Callable[[Parts, Effort, Steps], Awaitable[Sequence[Line]]]
MEASUREMENTS: dict[str, Measurement] = {
    "ingest": ingest.measure,
    "stream": stream.measure,
    "peers": race.measure,
    "latency": latency.measure,
    "growth": growth.measure,
    "faust": faust_intake.measure,
}
FAILURES = (PravahError, WrongOutput, TimeoutError)
T = TypeVar("T")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; return the exit code.

    1: something did not start, or what was measured gave wrong output. Nothing is written then;
    the figures known by then are printed.
    """
    chosen = _parser().parse_args(arguments)
    out, effort = Output(as_json=chosen.json), QUICK if chosen.quick else FULL
    out.console.width = max(out.console.width, TABLE_CELLS)
    machine = Machine.here(describe(flavour()))
    for line in machine.lines():
        out.line(line)
    try:
        if chosen.profile:
            _on_parts(lambda parts, told: profile.record(parts, effort, told), profile.STEPS)
        elif chosen.scale:
            _scale(out, machine, effort, chosen.page)
        else:
            _table(out, machine, effort, chosen)
    except FAILURES as error:
        sys.stderr.write(f"broken off, nothing written: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print results.json's content alone")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter turns: a look")
    parser.add_argument("--page", type=Path, help="put the table into this document, too")
    parser.add_argument(
        "--only", nargs="+", choices=MEASUREMENTS, help="these alone; results.json stays"
    )
    another = parser.add_mutually_exclusive_group()
    another.add_argument("--scale", action="store_true", help="cost by enrollments, partitions")
    another.add_argument("--profile", action="store_true", help="flame graphs into docs/")
    return parser


def _table(out: Output, machine: Machine, effort: Effort, chosen: argparse.Namespace) -> None:
    lines: list[Line] = []

    async def measured(parts: Parts, told: Steps) -> None:
        for name in chosen.only or MEASUREMENTS:
            lines.extend(await MEASUREMENTS[name](parts, effort, told))

    try:
        _on_parts(measured, effort.steps)
    except FAILURES:
        if lines:
            out.table(COLUMNS, [line.row() for line in lines])
        raise
    found = [line.as_json() for line in lines]
    if not chosen.only:
        RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    rows = [line.row() for line in lines]
    out.table(COLUMNS, rows)
    out.result(found)
    if chosen.page:
        table = page.markdown(COLUMNS, rows)
        only = f" --only {' '.join(chosen.only)}" if chosen.only else ""
        page.update(chosen.page, "table", page.section(table, machine, effort, only))


def _scale(out: Output, machine: Machine, effort: Effort, document: Path | None) -> None:
    rows = _on_parts(lambda parts, told: scale.measure(parts, effort, told), scale.runs(effort))
    out.table(scale.COLUMNS, rows)
    out.result([dict(zip(scale.COLUMNS, row, strict=True)) for row in rows])
    if document:
        table = page.markdown(scale.COLUMNS, rows)
        page.update(document, "scale", page.section(table, machine, effort, " --scale"))


def _on_parts(measure: Callable[[Parts, Steps], Awaitable[T]], turns: int) -> T:
    """Bring up, measure, take down, however it ends."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # fresh topics have no leader
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    state = Path(tempfile.mkdtemp(prefix="pravah-bench-"))

    async def measured(parts: Parts, told: Steps) -> T:
        return await measure(parts, told)

    try:
        with steps(turns) as told, brought_up(state) as parts:
            return asyncio.run(measured(parts, told))
    finally:
        shutil.rmtree(state, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

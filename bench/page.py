"""The table in docs/performance.md, put there by the run that measured it."""

from collections.abc import Sequence
from pathlib import Path

from bench.effort import BATCH, CONNECTIONS, FULL, Effort
from bench.machine import Machine
from bench.results import Result, markdown

BEGIN = '<!-- table: written by `make bench ARGS="--page docs/performance.md"` -->'
END = "<!-- end of table -->"


def update(file: Path, machine: Machine, effort: Effort, results: Sequence[Result]) -> None:
    """Replace what stands between the markers."""
    text = file.read_text(encoding="utf-8")
    file.write_text(updated(text, section(machine, effort, results)), encoding="utf-8")


def updated(document: str, table: str) -> str:
    """Return the document with the table between its markers.

    Raises:
        ValueError: the document has no markers.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document lacks the markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{table}\n{END}{after}"


def section(machine: Machine, effort: Effort, results: Sequence[Result]) -> str:
    """Return the table and all that it depends on."""
    command = "python -m bench" + ("" if effort is FULL else " --quick")
    ingest = f"{effort.ingest_turns} turns of {effort.ingest_seconds:g} s"
    stream = f"{effort.stream_turns} turns of {effort.learners:,} events"
    lines = [
        f"`{command}`",
        *machine.lines(),
        f"ingest: {ingest} over {CONNECTIONS} connections; stream: {stream}, batches of {BATCH}",
    ]
    listed = "".join(f"- {line}\n" for line in lines)
    return f"{markdown(results)}\n{listed}"

"""The tables in docs/performance.md, put there by the runs that measured them."""

from collections.abc import Sequence
from pathlib import Path

from bench.effort import CONNECTIONS, FULL, Effort
from bench.machine import Machine

BEGIN = '<!-- {name}: written by `make bench ARGS="{arguments}--page docs/performance.md"` -->'
END = "<!-- end of {name} -->"
ARGUMENTS = {"table": "", "scale": "--scale "}
"""Tables of the page, and the command line of each."""


def update(file: Path, name: str, table: str) -> None:
    """Replace what stands between a table's markers."""
    text = file.read_text(encoding="utf-8")
    file.write_text(updated(text, name, table), encoding="utf-8")


def updated(document: str, name: str, table: str) -> str:
    """Return the document with the table between its markers.

    Raises:
        ValueError: the document has no markers.
    """
    begin, end = BEGIN.format(name=name, arguments=ARGUMENTS[name]), END.format(name=name)
    before, found, rest = document.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the document lacks the markers {begin} and {end}")
    return f"{before}{begin}\n\n{table}\n{end}{after}"


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def section(table: str, machine: Machine, effort: Effort, command: str) -> str:
    """Return the table and all that it depends on."""
    quick = "" if effort is FULL else " --quick"
    ingest = f"{effort.ingest_turns} turns of {effort.ingest_seconds:g} s"
    stream = f"{effort.stream_turns} turns of {effort.learners:,} events"
    peers = f"{effort.race_turns} turns, {effort.kills} kills"
    intake = f"{effort.intake_turns} turns of {effort.intake_records:,} records"
    lines = [
        f"`python -m bench{command}{quick}`",
        *machine.lines(),
        f"ingest: {ingest} over {CONNECTIONS} connections; stream: {stream}",
        f"peers: {peers}; faust: {intake}",
    ]
    listed = "".join(f"- {line}\n" for line in lines)
    return f"{table}\n{listed}"

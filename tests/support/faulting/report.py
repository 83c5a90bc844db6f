"""The run as a person reads it: what was done when, then the invariants with their counts."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from faulting.verdict import Verdict


def table(verdicts: Sequence[Verdict], title: str) -> Table:
    """Return the invariants as a table."""
    found = Table(title=title, title_justify="left", show_lines=False, expand=False)
    found.add_column("")
    found.add_column("invariant")
    found.add_column("counted")
    for verdict in verdicts:
        mark = "[green]holds[/]" if verdict.holds else "[red bold]BROKEN[/]"
        found.add_row(mark, verdict.invariant, verdict.counted)
    return found


def show(verdicts: Sequence[Verdict], title: str, console: Console | None = None) -> None:
    """Print the table, and under it what is wrong."""
    console = console or Console()
    console.print(table(verdicts, title))
    for verdict in verdicts:
        for problem in verdict.problems:
            console.print(f"  {verdict.invariant}: {problem}", markup=False, soft_wrap=True)

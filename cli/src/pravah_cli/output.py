"""How commands speak: lines and tables to people, one JSON document to machines."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
"""The `--json` option, the same on every command."""

GOOD, BAD, DIM = "[green]✓[/green]", "[red]✗[/red]", "dim"


class Output:
    """Says things to whoever asked: steps and tables to a person, only `result` as JSON."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.console = Console(quiet=as_json, highlight=False)

    def line(self, text: str) -> None:
        """Tell a person something (rich markup)."""
        self.console.print(text, soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Show a table to a person."""
        shown = Table(box=None, pad_edge=False, header_style=DIM)
        for column in columns:
            shown.add_column(column, overflow="fold")
        for row in rows:
            shown.add_row(*row)
        self.console.print(shown)

    def result(self, found: Mapping[str, Any] | Sequence[Any]) -> None:
        """Print the command's result for a machine; nothing for a person."""
        if self.as_json:
            print(json.dumps(found, ensure_ascii=False, default=str))

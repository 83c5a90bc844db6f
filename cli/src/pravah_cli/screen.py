"""The funnel on a terminal, drawn from the operators' page's snapshot."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

BAR_CELLS = 24
Snapshot = Mapping[str, Any]


def fetch(port: int) -> Snapshot:
    """Return the operators' page's newest snapshot; empty when it does not answer."""
    try:
        return dict(httpx.get(f"http://127.0.0.1:{port}/snapshot.json", timeout=1).json())
    except (httpx.HTTPError, ValueError):
        return {}


def funnel(title: str, snapshot: Snapshot, done: float) -> RenderableType:
    """Draw the funnel. `done` (0-1) is the share of the scenario that was sent."""
    stages: Sequence[Mapping[str, Any]] = snapshot.get("stages", ())
    widest = max((stage["total"] for stage in stages), default=0) or 1
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("", "", "so far", "per second"):
        table.add_column(column, justify="right" if column else "left")
    for stage in stages:
        cells = round(BAR_CELLS * stage["total"] / widest)
        table.add_row(
            stage["name"],
            Text("█" * cells, style="cyan") + Text("░" * (BAR_CELLS - cells), style="dim"),
            f"{stage['total']:,}",
            f"{stage['per_second']:,.1f}",
        )
    heading = Text.assemble((title, "bold"), (f"  {done:.0%} sent", "dim"))
    return Group(heading, table, _ages(snapshot), _batches(snapshot), _trouble(snapshot))


def _ages(snapshot: Snapshot) -> RenderableType:
    """Show how old events were when handled: what learners feel."""
    said = [
        f"{age['group']} {age['p50_seconds']:.2f}/{age['p99_seconds']:.2f} s"
        for age in snapshot.get("ages", ())
        if age["p50_seconds"] is not None
    ]
    return Text("event age p50/p99: " + (", ".join(said) or "none yet"), style="dim")


def _batches(snapshot: Snapshot) -> RenderableType:
    """Show how many records go together: what keeps the store and Kafka from being the limit."""
    said = []
    for each in snapshot.get("batches", ()):
        if each["records"] is not None:
            ratio = each["events_per_document"]
            merged = f", {ratio:.1f} events a document" if ratio else ""
            said.append(f"{each['group']} {each['records']:.0f}{merged}")
    return Text("records a batch: " + (", ".join(said) or "none yet"), style="dim")


def _trouble(snapshot: Snapshot) -> RenderableType:
    dead = sum(snapshot.get("dead_letters", {}).values())
    down = [name for name, alive in snapshot.get("processes", {}).items() if not alive]
    said = [f"dead letters {dead}", *([f"not answering: {', '.join(down)}"] if down else [])]
    return Text("   ".join(said), style="red" if dead or down else "dim")

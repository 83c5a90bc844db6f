"""`pravah feed`: real data through the public HTTP APIs of a running stack."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pravah_cli.output import BAD, GOOD, Json, Output
from pravah_cli.scenarios import oulad as dataset
from pravah_cli.scenarios.model import Scenario
from pravah_cli.scenarios.outcome import Observer, Summary
from pravah_cli.scenarios.play import Player
from pravah_cli.scenarios.run import Surroundings, addresses_in, run
from pravah_cli.settings import LocalSettings
from pravah_shared.settings import Settings, load

app = typer.Typer(help="Real data through the public HTTP APIs.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `feed oulad` a command of a group, also while it is the only one."""


@app.command()
def oulad(
    directory: Annotated[Path, typer.Argument(help="Holds studentRegistration.csv.gz and so on")],
    *,
    json: Json = False,
) -> None:
    """Replay the Open University Learning Analytics Dataset in time order.

    Prints what was sent and what came out beside the data set's own figures; exits with 1 when
    they differ. Needs a running stack (`pravah up`); on the same stack a second replay changes
    nothing. Takes minutes on a fast store (`make store-rs`).
    """
    out = Output(as_json=json)
    with out.console.status(f"reading {directory}"):
        scenario = dataset.load(directory)
    summary = asyncio.run(play(scenario, out))
    out.result(summary.as_json())
    report(summary, out)
    raise typer.Exit(0 if summary.ok else 1)


async def play(scenario: Scenario, out: Output) -> Summary:
    """Play the scenario under a progress bar."""
    local = LocalSettings()
    where = Surroundings(addresses_in(os.environ), load(Settings), local.state_dir)
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=out.console) as bars:
        sent = bars.add_task("sent", total=len(scenario.steps))
        completed = bars.add_task("completed", total=len(scenario.completions))
        certified = bars.add_task("certified", total=len(scenario.completions))

        def watching(player: Player, observer: Observer) -> None:
            bars.update(sent, completed=player.done)
            bars.update(completed, completed=len(observer.seen.completed))
            bars.update(certified, completed=len(observer.seen.certified))

        return await run(scenario, where, watching)


def report(summary: Summary, out: Output) -> None:
    """Tell a person what came of it, beside what must."""
    figures = summary.as_json()
    rows = [
        (name, f"{figures[name]:,}", f"{must:,}")
        for name, must in summary.expected.items()
        if name in figures
    ]
    out.table(("", "is", "must be"), rows)
    for problem in summary.problems:
        out.line(f"  {BAD} {problem}")
    if summary.ok:
        out.line(f"  {GOOD} everything adds up")

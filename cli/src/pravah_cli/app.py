"""The command line: every command in one place, and what holds for all of them."""

import os
from pathlib import Path
from typing import Annotated

import typer

from pravah_cli.commands import demo, doctor, down, events, explain, feed, status, token, topics, up
from pravah_cli.stack.config import adopt

app = typer.Typer(
    help="Pravah on this machine: start it, look at it, work with it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(demo.demo)
app.command()(up.up)
app.command()(down.down)
app.command()(status.status)
app.command()(doctor.doctor)
app.command()(token.token)
app.command()(explain.explain)
app.add_typer(topics.app, name="topics")
app.add_typer(events.app, name="events")
app.add_typer(feed.app, name="feed")


@app.callback()
def everywhere(
    state_dir: Annotated[
        Path | None,
        typer.Option(
            envvar="PRAVAH_STATE_DIR",
            help="The stack to work on: its data, logs and keys. Default ~/.local/state/pravah.",
        ),
    ] = None,
) -> None:
    """Lead every command to the stack of its state directory."""
    if state_dir:
        os.environ["PRAVAH_STATE_DIR"] = str(state_dir.resolve())
    adopt()

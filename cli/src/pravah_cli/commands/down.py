"""`pravah down`: stops what `pravah up` started, and nothing else."""

import shutil
from typing import Annotated

import typer

from pravah_cli.output import GOOD, Json, Output
from pravah_cli.settings import LocalSettings
from pravah_cli.stack.config import remembered
from pravah_cli.stack.supervisor import bring_down

DATA = ("kafka", "mongo", "mails", "logs")


def down(
    *,
    data: Annotated[bool, typer.Option("--data", help="Also delete its data and logs.")] = False,
    json: Json = False,
) -> None:
    """Stop the stack: services first, then broker and store."""
    out = Output(as_json=json)
    local = LocalSettings()
    with out.console.status("stopping"):
        stopped = bring_down(
            local.state_dir,
            lambda notice: out.line(
                f"  {GOOD} {notice.name:<22} [dim]{notice.what}, {notice.seconds:.1f} s[/dim]"
            ),
        )
    if config := remembered(local):
        config.forget()
    if data:
        for name in DATA:
            shutil.rmtree(local.state_dir / name, ignore_errors=True)
    if not stopped:
        out.line("  nothing was running")
    out.result({"stopped": stopped, "data_deleted": data})

"""`pravah status`: each process as it is now."""

import typer

from pravah_cli.output import BAD, GOOD, Json, Output
from pravah_cli.settings import LocalSettings
from pravah_cli.stack.config import remembered
from pravah_cli.stack.supervisor import State, states


def status(*, json: Json = False) -> None:
    """Show each process: whether it runs, its port, whether it can serve.

    Exits with 1 when a process ended or is not ready, or nothing was started.
    """
    out = Output(as_json=json)
    local = LocalSettings()
    found = states(local.state_dir)
    given = sorted(config.given) if (config := remembered(local)) else []
    ready = bool(found) and all(state.ready for state in found)
    out.result({"ready": ready, "given": given, "processes": [row(state) for state in found]})
    if found:
        columns = ("", "process", "pid", "port", "state")
        out.table(columns, [cells(state) for state in found])
    else:
        out.line("nothing runs; start it with [bold]pravah up[/bold]")
    if given:
        out.line(f"[dim]run elsewhere, by your settings: {', '.join(given)}[/dim]")
    raise typer.Exit(0 if ready else 1)


def row(state: State) -> dict[str, object]:
    """Return a process for machines."""
    return {
        "name": state.name,
        "pid": state.pid,
        "port": state.port,
        "alive": state.alive,
        "ready": state.ready,
        "detail": state.detail,
        "log": str(state.log),
    }


def cells(state: State) -> tuple[str, ...]:
    """Return a process for people."""
    word = "ready" if state.ready else "not ready" if state.alive else "ended"
    said = f"{word} [dim]{state.detail}[/dim]" if state.detail else word
    mark = GOOD if state.ready else BAD
    return (mark, state.name, str(state.pid), str(state.port or ""), said)

"""`pravah topics`: Kafka's topics, from the topic table."""

import asyncio

import typer

from pravah_cli.output import GOOD, Json, Output
from pravah_shared.settings import Settings, load

app = typer.Typer(help="Kafka's topics, from the topic table.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `topics apply` a command of a group, also while it is the only one."""


@app.command("apply")
def apply_command(*, json: Json = False) -> None:
    """Create missing topics and mend settings that differ. Refuses another partition count."""
    from pravah_shared.kafka.topics import apply

    out = Output(as_json=json)
    settings = load(Settings)
    changes = asyncio.run(apply(settings))
    out.result({"changes": [{"topic": change.topic, "what": change.what} for change in changes]})
    for change in changes:
        out.line(f"  {GOOD} {change.topic}: {change.what}")
    if not changes:
        out.line(f"  {GOOD} every topic {settings.topic_prefix}* is as the table says")

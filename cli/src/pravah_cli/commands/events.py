"""`pravah events tail`: events as they pass, decoded."""

import asyncio
import contextlib
import json as jsonlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

import typer

from pravah_cli.output import Json, Output
from pravah_shared.errors import ConfigurationError, Undecodable
from pravah_shared.record import Record
from pravah_shared.settings import Settings, load

app = typer.Typer(help="Events on Kafka's topics.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `events tail` a command of a group, also while it is the only one."""


@app.command()
def tail(
    topic: Annotated[str, typer.Argument(help="Topic without its prefix, e.g. completed")],
    *,
    from_start: Annotated[
        bool, typer.Option(help="From the oldest record kept, not from now on.")
    ] = False,
    limit: Annotated[int, typer.Option(help="End after so many; 0: never.")] = 0,
    until_end: Annotated[bool, typer.Option(help="End when all that is there was shown.")] = False,
    json: Json = False,
) -> None:
    """Show a topic's events: one line each, with --json one JSON document a line."""
    out = Output(as_json=json)
    settings = load(Settings)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(show(settings, topic, out, Until(limit, at_end=until_end, new=not from_start)))


class Until:
    """When to end. `new` begins with what arrives from now on."""

    def __init__(self, limit: int, *, at_end: bool, new: bool) -> None:
        self.left = limit or -1
        self.at_end = at_end
        self.new = new


async def show(settings: Settings, topic: str, out: Output, until: Until) -> None:
    """Print records until it is time to end."""
    async for record in records(settings, topic, until):
        said = described(record)
        if out.as_json:
            print(jsonlib.dumps(said, ensure_ascii=False), flush=True)
        else:
            place = f"{record.partition}:{record.offset}"
            out.line(
                f"[dim]{said.get('time', '')} {place:>8}[/dim] [bold]{said['type']}[/bold] "
                f"{said['subject']} [dim]{jsonlib.dumps(said['data'], ensure_ascii=False)}[/dim]"
            )


async def records(settings: Settings, topic: str, until: Until) -> AsyncIterator[Record]:
    """Yield a topic's records until it is time to end."""
    from pravah_shared.kafka.reader import TopicReader
    from pravah_shared.kafka.table import TOPICS

    if topic not in TOPICS:
        raise ConfigurationError(f"no topic {topic!r}; choose one of {', '.join(sorted(TOPICS))}")
    async with TopicReader(settings, [topic], from_end=until.new) as reader:
        while until.left:
            batch = await reader.read()
            for record in batch[: until.left] if until.left > 0 else batch:
                until.left -= 1
                yield record
            if until.at_end and not batch and await reader.at_end():
                return


def described(record: Record) -> dict[str, Any]:
    """Return a record as its event, or as what keeps it from being one."""
    from pravah_shared.codec import decode

    place = {"partition": record.partition, "offset": record.offset}
    try:
        event = decode(record)
    except Undecodable as error:
        subject = (record.key or b"").decode(errors="replace")
        return {**place, "type": "undecodable", "subject": subject, "data": {"why": str(error)}}
    return {
        **place,
        "id": event.id,
        "type": event.type,
        "source": event.source,
        "subject": event.subject,
        "time": event.time.isoformat(),
        "traceparent": event.traceparent,
        "data": event.data.model_dump(mode="json", exclude_none=True),
    }

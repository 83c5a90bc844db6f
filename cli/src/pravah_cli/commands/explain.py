"""`pravah explain`: the story of one learner and course, across the services."""

import asyncio
import os
from dataclasses import asdict
from typing import Annotated

import typer

from pravah_cli.client import Client, Unanswered
from pravah_cli.output import BAD, GOOD, Json, Output
from pravah_cli.scenarios.run import Surroundings, addresses_in
from pravah_cli.settings import LocalSettings
from pravah_cli.story import Story, Trace, tell
from pravah_shared.locales import SOURCE_LOCALE
from pravah_shared.settings import Settings, load

MARKS = {"done": GOOD, "missing": BAD, "unknown": "[yellow]?[/yellow]"}
PATIENCE_SECONDS = 3


def explain(
    learner: Annotated[str, typer.Argument(help="Learner's id")],
    course: Annotated[str, typer.Argument(help="Course's id")],
    *,
    language: Annotated[
        str, typer.Option(help="Of titles and reasons, best first, e.g. hi,en;q=0.5")
    ] = SOURCE_LOCALE,
    json: Json = False,
) -> None:
    """Tell what happened from enrollment to messages, and name the first thing missing.

    Exits with 1 when something is missing.
    """
    out = Output(as_json=json)
    story = tell(asyncio.run(ask(learner, course, language)))
    missing = story.first_missing
    out.result(
        {
            "learner_id": learner,
            "course_id": course,
            "first_missing": missing.name if missing else None,
            "steps": [asdict(step) for step in story.steps],
        }
    )
    show(story, out)
    raise typer.Exit(1 if missing else 0)


async def ask(learner: str, course: str, languages: str) -> dict[str, Trace | None]:
    """Ask the four services at once. One that does not answer costs its part of the story."""
    local = LocalSettings()
    where = Surroundings(addresses_in(os.environ), load(Settings), local.state_dir)
    async with Client(
        where.addresses, where.token, patience_seconds=PATIENCE_SECONDS, languages=languages
    ) as client:

        async def one(base: str) -> Trace | None:
            try:
                answer = await client.call("GET", f"{base}/trace/{learner}/{course}")
            except Unanswered:
                return None
            found: Trace = answer.json()
            return found

        services = asdict(where.addresses)
        answers = await asyncio.gather(*(one(base) for base in services.values()))
        return dict(zip(services, answers, strict=True))


def show(story: Story, out: Output) -> None:
    """Tell a person."""
    for step in story.steps:
        first, *rest = step.said or ("",)
        out.line(f"  {MARKS[step.verdict]} [bold]{step.name:<12}[/bold] {first}")
        for said in rest:
            out.line(f"  {'':<15}{said}")
    if missing := story.first_missing:
        out.line(f"\n  first thing missing: [bold]{missing.name}[/bold], {missing.said[0]}")

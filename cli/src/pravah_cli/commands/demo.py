"""`pravah demo`: a learning week from end to end, watched live, judged at its end."""

import asyncio
import os
import shutil
import signal
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.live import Live

from pravah_cli import screen
from pravah_cli.commands.feed import report
from pravah_cli.commands.up import start
from pravah_cli.local.issuer.tokens import Bearer, page_link
from pravah_cli.local.ports import answers
from pravah_cli.output import Json, Output
from pravah_cli.scenarios import week
from pravah_cli.scenarios.model import Scenario
from pravah_cli.scenarios.outcome import Observer, Summary
from pravah_cli.scenarios.play import Player
from pravah_cli.scenarios.run import Surroundings, addresses_in, run
from pravah_cli.settings import LocalSettings
from pravah_cli.stack.config import StackConfig, choose_ports, configure
from pravah_cli.stack.links import links as stack_links
from pravah_cli.stack.supervisor import bring_down
from pravah_shared.settings import Settings, load

REFRESHES_PER_SECOND = 2


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="End when all is settled.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running afterwards.")] = False,
    learners: Annotated[int, typer.Option(min=1, max=100_000, help="How many learners.")] = 120,
    json: Json = False,
) -> None:
    """Run a learning week on this machine and watch it.

    Starts a stack of its own with empty data, feeds it through the public APIs, shows the
    funnel, prints links to try. Ctrl-C stops all. With --once the exit code tells whether
    everything added up.
    """
    out = Output(as_json=json)
    config = fresh_stack(out)
    os.environ.update(config.environment)
    summary: Summary | None = None
    try:
        start(config, out)
        scenario = week.generate(learners=learners, ends=datetime.now(UTC))
        summary = asyncio.run(play(scenario, config, out))
        report(summary, out)
        out.result(summary.as_json())
        if not once or keep:
            show_links(config, summary, out)
        if not once and not keep:
            out.line("\n  Ctrl-C stops it. [bold]pravah up[/bold] starts one that stays.")
            signal.pause()
    except KeyboardInterrupt:
        out.line("")
    finally:
        if not keep:
            tear_down(config, out)
    raise typer.Exit(0 if summary and summary.ok else 1)


def fresh_stack(out: Output) -> StackConfig:
    """Return a stack on empty data, on the usual ports when all of them are free."""
    local = LocalSettings()
    local = local.model_copy(update={"state_dir": local.state_dir / "demo"})
    bring_down(local.state_dir, lambda _: None)
    shutil.rmtree(local.state_dir, ignore_errors=True)
    taken = any(answers(port) for port in choose_ports(os.environ, elsewhere=False).values())
    if taken:
        out.line("  [dim]some of the usual ports are in use: taking free ones[/dim]")
    return configure(local, elsewhere=taken)


async def play(scenario: Scenario, config: StackConfig, out: Output) -> Summary:
    """Play the week under a live funnel."""
    where = Surroundings(addresses_in(os.environ), load(Settings), config.state_dir)
    port = config.port("PRAVAH_OPERATORS_PORT")
    with Live(console=out.console, refresh_per_second=REFRESHES_PER_SECOND) as live:

        def watching(player: Player, _: Observer) -> None:
            if out.as_json:
                return
            done = player.done / len(scenario.steps)
            live.update(screen.funnel("A learning week", screen.fetch(port), done))

        return await run(scenario, where, watching)


def links(config: StackConfig, summary: Summary) -> dict[str, str]:
    """Return pages to open, those of a learner with a certificate first."""
    pages = stack_links(config)
    if not summary.sample:
        return pages
    learner = Bearer("learner", summary.sample["learner_id"])
    api = f"http://127.0.0.1:{config.port('PRAVAH_NOTIFICATION_API_PORT')}"
    return {
        "a certificate": summary.sample["verify_url"],
        "a learner's inbox": page_link(api, "/inbox", learner, load(Settings), config.state_dir),
        **pages,
    }


def show_links(config: StackConfig, summary: Summary, out: Output) -> None:
    """Tell a person where to look and what to type."""
    out.line("")
    for title, url in links(config, summary).items():
        out.line(f"  {title:<22} [cyan]{url}[/cyan]")
    if sample := summary.sample:
        out.line(
            f"\n  [dim]Its story:[/dim] pravah --state-dir {config.state_dir} "
            f"explain {sample['learner_id']} {sample['course_id']}"
        )


def tear_down(config: StackConfig, out: Output) -> None:
    """Stop everything and remove the demo's data."""
    with out.console.status("stopping"):
        bring_down(config.state_dir, lambda _: None)
    shutil.rmtree(config.state_dir, ignore_errors=True)

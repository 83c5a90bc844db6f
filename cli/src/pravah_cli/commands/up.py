"""`pravah up`: everything in the background."""

from typing import Annotated

import typer

from pravah_cli.output import GOOD, Json, Output
from pravah_cli.settings import LocalSettings
from pravah_cli.stack.config import StackConfig, configure
from pravah_cli.stack.links import links
from pravah_cli.stack.stages import stages
from pravah_cli.stack.supervisor import Notice, bring_up


def up(
    *,
    free_ports: Annotated[
        bool, typer.Option(help="Take free ports, to stand beside another stack.")
    ] = False,
    json: Json = False,
) -> None:
    """Start Kafka, a store, a mail server and all services in the background."""
    out = Output(as_json=json)
    config = configure(LocalSettings(), elsewhere=free_ports)
    start(config, out)
    out.result({"state_dir": str(config.state_dir), "links": links(config)})
    out.line("")
    for title, url in links(config).items():
        out.line(f"  {title:<22} [cyan]{url}[/cyan]")
    out.line("\n  [dim]pravah status · pravah down · logs in[/dim] " + f"{config.state_dir}/logs")


def start(config: StackConfig, out: Output) -> None:
    """Bring the stack up, telling what becomes ready.

    Raises:
        PartError: a process could not start; the message ends with its log.
    """
    with out.console.status("looking around") as waiting:

        def tell(notice: Notice) -> None:
            if notice.what == "starting":
                waiting.update(f"starting {notice.name}")
            else:
                out.line(f"  {GOOD} {notice.name:<22} [dim]{notice.seconds:.1f} s[/dim]")

        bring_up(config, stages(config, waiting.update), tell)

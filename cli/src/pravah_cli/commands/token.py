"""`pravah token`: a dev token."""

import os
from typing import Annotated

import typer

from pravah_cli.output import Json, Output
from pravah_cli.settings import LocalSettings
from pravah_cli.stack.processes import local_url
from pravah_shared.settings import Settings, load


def token(  # noqa: PLR0913 - one option each
    *,
    role: Annotated[str, typer.Option(help="learner, mdo_admin, publisher, operator, system")],
    learner: Annotated[str, typer.Option(help="Learner's id (sub)")] = "",
    mdo: Annotated[str, typer.Option(help="MDO of an mdo_admin")] = "",
    scope: Annotated[list[str] | None, typer.Option(help="For system, e.g. progress:write")] = None,
    page: Annotated[
        str, typer.Option(help="In place of a token a link that opens this page once, e.g. /inbox")
    ] = "",
    hours: Annotated[float, typer.Option(help="How long it is good")] = 12,
    json: Json = False,
) -> None:
    """Print a token that this machine's services accept: `Authorization: Bearer …`."""
    from pravah_cli.local.issuer.tokens import Bearer, mint, page_link

    bearer = Bearer(role, learner, mdo or None, tuple(scope or ()))
    settings, state_dir = load(Settings), LocalSettings().state_dir
    if page:
        base = local_url("notification-api", os.environ)
        found = {"link": page_link(base, page, bearer, settings, state_dir)}
    else:
        found = {"token": mint(bearer, settings, state_dir, int(hours * 3600))}
    Output(as_json=json).result({**found, "role": role})
    if not json:
        print(*found.values())

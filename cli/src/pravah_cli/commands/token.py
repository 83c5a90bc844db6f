"""`pravah token`: a dev token."""

from typing import Annotated

import typer

from pravah_cli.output import Json, Output
from pravah_cli.settings import LocalSettings
from pravah_shared.settings import Settings, load


def token(  # noqa: PLR0913 - one option each
    *,
    role: Annotated[str, typer.Option(help="learner, mdo_admin, publisher, operator, system")],
    learner: Annotated[str, typer.Option(help="Learner's id (sub)")] = "",
    mdo: Annotated[str, typer.Option(help="MDO of an mdo_admin")] = "",
    scope: Annotated[list[str] | None, typer.Option(help="For system, e.g. progress:write")] = None,
    hours: Annotated[float, typer.Option(help="How long it is good")] = 12,
    json: Json = False,
) -> None:
    """Print a token that this machine's services accept: `Authorization: Bearer …`."""
    from pravah_cli.local.issuer.tokens import Bearer, mint

    bearer = Bearer(role, learner, mdo or None, tuple(scope or ()))
    seconds = int(hours * 3600)
    minted = mint(bearer, load(Settings), LocalSettings().state_dir, seconds)
    out = Output(as_json=json)
    out.result({"token": minted, "role": role, "seconds": seconds})
    if not json:
        print(minted)

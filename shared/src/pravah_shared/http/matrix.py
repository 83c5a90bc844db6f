"""docs/access.md, made from what the routes declare."""

from collections.abc import Mapping

from fastapi import FastAPI

from pravah_shared.http.identity import ROLES, AccessRow, Public, Role, access_matrix

HEAD = """\
# Who may call what

Generated from the routes' own declarations by `python -m pravah_shared.contracts write`; the tests
of each service walk every cell.
A learner reaches only their own data, an mdo_admin that of their MDO's learners, a system what
its scopes allow. Without a token: 401. With the wrong one: 403.

"""


def render_matrix(apps: Mapping[str, FastAPI]) -> str:
    """Return docs/access.md for the applications by service.

    Raises:
        ConfigurationError: a route does not say who may call it.
    """
    return HEAD + "\n".join(
        _section(service, access_matrix(app)) for service, app in sorted(apps.items())
    )


def _section(service: str, rows: list[AccessRow]) -> str:
    head = f"| method | path | public | {' | '.join(ROLES)} |\n"
    rule = "|" + "---|" * (3 + len(ROLES)) + "\n"
    return f"## {service}\n\n{head}{rule}{''.join(map(_row, rows))}"


def _row(row: AccessRow) -> str:
    is_public = isinstance(row.access, Public)
    cells = ["yes" if is_public else "", *(_cell(row, role) for role in ROLES)]
    return f"| {row.method} | `{row.path}` | {' | '.join(cells)} |\n"


def _cell(row: AccessRow, role: Role) -> str:
    if isinstance(row.access, Public):
        return ""
    if role not in row.access.roles:
        return "no"
    if role == "system":
        return " ".join(f"`{scope}`" for scope in sorted(row.access.scopes))
    if role == "learner":
        return "own" if "{learner_id}" in row.path else "yes"
    return "their MDO's" if role == "mdo_admin" else "yes"

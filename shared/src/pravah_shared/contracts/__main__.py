"""`python -m pravah_shared.contracts write|check`: generate contracts/ and docs/access.md.

`write` refuses, too, what breaks with a published version: it never rewrites history.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path

from pravah_shared.contracts import asyncapi, files, openapi
from pravah_shared.contracts.schemas import Schema
from pravah_shared.errors import ConfigurationError
from pravah_shared.events import EVENT_TYPES
from pravah_shared.http.matrix import render_matrix

REMEDY = "Make the field optional, or publish a .v2 type on a new topic (docs/adr)."


def main(arguments: list[str]) -> int:
    """Run the command; 0 when contracts/ is what the code says and breaks with nothing."""
    parser = ArgumentParser("python -m pravah_shared.contracts", description=__doc__)
    parser.add_argument("command", choices=["write", "check"])
    parser.add_argument("--directory", type=Path, default=Path("contracts"))
    parser.add_argument("--events-only", action="store_true", help="leave the HTTP APIs out")
    chosen = parser.parse_args(arguments)
    schemas = files.schemas(EVENT_TYPES)
    broken = list(files.problems(chosen.directory, schemas))
    if broken:
        print(*broken, REMEDY, sep="\n", file=sys.stderr)
        return 1
    try:
        wanted = _wanted(schemas, with_http=not chosen.events_only)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    command = _write if chosen.command == "write" else _check
    return command(chosen.directory, wanted, schemas)


def _wanted(schemas: Mapping[str, Schema], *, with_http: bool) -> dict[str, str]:
    documents = {
        "asyncapi.json": asyncapi.document(),
        **{f"events/{name}.json": schema for name, schema in schemas.items()},
    }
    wanted = {name: files.rendered(document) for name, document in documents.items()}
    if with_http:
        apps = openapi.applications()
        wanted |= {
            f"openapi/{name}.json": files.rendered(app.openapi()) for name, app in apps.items()
        }
        wanted["../docs/access.md"] = render_matrix(apps)
    return wanted


def _write(directory: Path, wanted: Mapping[str, str], schemas: Mapping[str, Schema]) -> int:
    for name, text in wanted.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for path in files.publish(directory, schemas):
        print(f"published {path}")
    return 0


def _check(directory: Path, wanted: Mapping[str, str], schemas: Mapping[str, Schema]) -> int:
    stale = [*files.differences(directory, wanted), *files.unpublished(directory, schemas)]
    if stale:
        print(*stale, "Run `python -m pravah_shared.contracts write`.", sep="\n", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

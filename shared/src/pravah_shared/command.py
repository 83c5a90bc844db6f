"""The command line of a service: `python -m pravah_progress api|stream`, and its settings' list.

if __name__ == "__main__":
sys.exit(run("progress", ProgressSettings, {"api": api, "stream": stream}))
"""

import argparse
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from pravah_shared.errors import ConfigurationError
from pravah_shared.service import EXIT_CONFIGURATION, Stop, run_process
from pravah_shared.settings import Settings, load

S = TypeVar("S", bound=Settings)
Mode = Callable[[S, Stop], Awaitable[None]]


def run(
    service: str,
    model: type[S],
    modes: Mapping[str, Mode[S]],
    arguments: Sequence[str] | None = None,
) -> int:
    """Run the mode that the command line names; return the exit code.

    `--help` lists the settings. Wrong settings end the process with a line for people.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m pravah_{service}",
        description=f"Pravah {service}: one process of the service, by mode.",
        epilog=f"Settings, from the environment:\n{settings_lines(model)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("mode", choices=sorted(modes))
    mode = modes[parser.parse_args(arguments).mode]
    try:
        settings = load(model)
    except ConfigurationError as error:
        sys.stderr.write(f"{service} does not start: {error}\n")
        return EXIT_CONFIGURATION
    return run_process(lambda stop: mode(settings, stop), service=service, settings=settings)


def settings_lines(model: type[Settings]) -> str:
    """Return a line for each setting: its variable, its default, what it is for."""
    rows = [_row(name, field) for name, field in model.model_fields.items()]
    return "\n".join(
        f"  {variable}={default}\n      {meaning}" for variable, default, meaning in rows
    )


def settings_table(model: type[Settings]) -> str:
    """Return the settings as rows of a Markdown table, for docs/operate.md and READMEs."""
    rows = [_row(name, field) for name, field in model.model_fields.items()]
    head = "| setting | default | meaning |\n|---|---|---|\n"
    return head + "".join(f"| `{row[0]}` | `{row[1]}` | {row[2]} |\n" for row in rows)


def _row(name: str, field: FieldInfo) -> tuple[str, str, str]:
    default = "" if field.default in (None, PydanticUndefined) else str(field.default)
    return f"PRAVAH_{name.upper()}", default, field.description or ""

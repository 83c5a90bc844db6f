"""`pravah`: runs a command and turns errors of ours into one line and an exit code."""

import sys

from rich.console import Console

from pravah_cli.app import app
from pravah_shared.errors import PravahError


def main() -> None:
    """Run the command given on the command line."""
    try:
        app()
    except PravahError as error:
        console = Console(stderr=True, highlight=False)
        console.print("pravah:", style="red", end=" ")
        console.print(str(error), markup=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()

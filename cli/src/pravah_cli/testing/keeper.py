"""`python -m pravah_cli.testing.keeper DIR OWNER`: holds the parts of one test run.

A process of its own, because with pytest-xdist no worker lives as long as the run: the parts
must outlast the worker that needed them first. It ends at SIGTERM, or when the run (process
OWNER) has ended however it did, so that a killed run leaves nothing behind.
"""

import signal
import sys
import threading
from pathlib import Path

from pravah_cli.local.running import birth
from pravah_cli.testing.stack import choose, running

WATCH_SECONDS = 1.0


def main(run_dir: Path, owner: int) -> None:
    """Bring the parts up, write `stack.json`, wait for the end of the run, take them down."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    born = birth(owner)
    with running(choose(), run_dir) as stack:
        stack.save(run_dir / "stack.json")
        while not ended.wait(WATCH_SECONDS) and birth(owner) == born:
            pass


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

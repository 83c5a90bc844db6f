"""`python -m pravah_cli.local`: fetch what the local parts need, once, and say what is there."""

import sys

from pravah_cli.local.kafka import VERSION, ensure_jars
from pravah_cli.local.process import PartError
from pravah_cli.local.store import find
from pravah_cli.settings import LocalSettings


def say(what: str) -> None:
    """Print a step of the setup."""
    print(f"[setup] {what}", flush=True)


def main() -> int:
    """Fetch Kafka, find a store; return the exit code."""
    cache = LocalSettings().cache
    try:
        ensure_jars(cache, say)
        store = find(cache)
    except PartError as error:
        say(str(error))
        return 1
    say(f"ready: Apache Kafka {VERSION}, store {store.kind}")
    if store.kind == "secantusd-py":
        say("for benchmarks and large feeds build a faster store: make store-rs")
    return 0


if __name__ == "__main__":
    sys.exit(main())

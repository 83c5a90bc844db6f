"""`make faults`: a run by its seed, and the table of invariants. Exit code 1: one is broken."""

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from rich.console import Console

from faulting.faults import FAULTS
from faulting.feeding import feed
from faulting.plan import Plan
from faulting.report import show
from faulting.run import judge


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--seed", type=int, help="order and details of the faults; default: random")
    parser.add_argument(
        "--minutes", type=float, default=0, help="go on so long; default: once each"
    )
    parser.add_argument("--only", nargs="+", choices=sorted(FAULTS), help="these faults alone")
    parser.add_argument(
        "--progress-only", action="store_true", help="without certificates, messages"
    )
    parser.add_argument(
        "--oulad", type=Path, metavar="DIR", help="feed this data under kills instead"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the logs there")
    return parser.parse_args()


def main() -> int:
    """Run, print, judge."""
    chosen = arguments()
    seed = random.randrange(1_000_000) if chosen.seed is None else chosen.seed
    console = Console()
    tell = partial(console.print, soft_wrap=True, highlight=False)
    for chatty in ("aiokafka", "kafka"):  # of a cut connection they tell at length
        logging.getLogger(chatty).setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="pravah-faults-") as fresh:
        folder = chosen.keep or Path(fresh)
        folder.mkdir(parents=True, exist_ok=True)
        if chosen.oulad:
            return 0 if asyncio.run(feed(chosen.oulad, folder, seed, tell)) else 1
        whole = not chosen.progress_only
        plan = Plan(seed, chosen.minutes, whole=whole, faults=tuple(chosen.only or FAULTS))
        began = time.monotonic()
        verdicts = asyncio.run(judge(plan, folder, tell))
    show(verdicts, f"seed {seed}, {(time.monotonic() - began) / 60:.1f} minutes", console)
    if all(verdict.holds for verdict in verdicts):
        return 0
    long = f" MINUTES={chosen.minutes:g}" if chosen.minutes else ""
    tell(f"again: make faults SEED={seed}{long}")
    return 1


if __name__ == "__main__":
    sys.exit(main())

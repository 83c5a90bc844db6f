"""`make faults`: a run by its seed, and the table of invariants. Exit code 1: one is broken."""

import argparse
import asyncio
import contextlib
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
    with contextlib.ExitStack() as folders:
        folder = chosen.keep or folders.enter_context(
            tempfile.TemporaryDirectory(prefix="pravah-faults-")
        )
        Path(folder).mkdir(parents=True, exist_ok=True)
        if chosen.oulad:
            exact = asyncio.run(feed(chosen.oulad, Path(folder), seed, tell))
            return 0 if exact else 1
        plan = Plan(
            seed,
            chosen.minutes,
            whole=not chosen.progress_only,
            faults=tuple(chosen.only or FAULTS),
        )
        began = time.monotonic()
        verdicts = asyncio.run(judge(plan, Path(folder), tell))
    seconds = time.monotonic() - began
    show(verdicts, f"seed {seed}, {seconds / 60:.1f} minutes", console)
    broken = [verdict for verdict in verdicts if not verdict.holds]
    if broken:
        console.print(
            f"again: make faults SEED={seed}" + f" MINUTES={chosen.minutes}" * bool(chosen.minutes)
        )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

"""`python clock.py FILE MODULE MODE`: a service process whose wall clock is set from outside.

FILE holds by how many seconds its clock is wrong; a change is a jump, within a tenth of a second.
Only this process's Python sees it (time.time, datetime.now): the machine's clock would need root,
and the store, the broker and every other process keep theirs, as machines do in a real deployment.
Its monotonic clock goes on, as a real one would.
"""

import runpy
import sys
import threading
import time
from pathlib import Path

import time_machine

POLL_SECONDS = 0.1


def follow(file: Path, traveller: time_machine.Traveller) -> None:
    """Shift the clock whenever the file says something else."""
    wrong_by = 0.0
    while True:
        said = float(file.read_text() or 0) if file.exists() else 0.0
        if said != wrong_by:
            traveller.shift(said - wrong_by)
            wrong_by = said
        time.sleep(POLL_SECONDS)


def main(file: str, module: str, *arguments: str) -> None:
    """Run the module as its own process would."""
    traveller = time_machine.travel(time.time(), tick=True).start()
    threading.Thread(target=follow, args=(Path(file), traveller), daemon=True).start()
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What a person sees while it runs: the step at hand, a bar on a terminal, else a line each."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Steps:
    """Tells of the step at hand and counts turns."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar = bar
        self._task = task
        self._began = time.monotonic()

    def tell(self, what: str) -> None:
        """Say what is being done."""
        self._bar.update(self._task, description=what)
        if self._bar.disable:
            self._bar.console.print(
                f"[{time.monotonic() - self._began:4.0f} s] {what}", markup=False
            )

    def advance(self) -> None:
        """Count one turn as done."""
        self._bar.advance(self._task)


@contextmanager
def steps(turns: int) -> Iterator[Steps]:
    """Yield the teller for a run of that many turns. Goes to standard error."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:<52}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} steps"),
        TimeElapsedColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        yield Steps(bar, bar.add_task("starting broker, store and token issuer", total=turns))

"""Named points of the loop at which a fault test ends, stops or holds this very process.

Off by construction: `arm` is given a file only by the setting `PRAVAH_FAILPOINTS_FILE`, which
production refuses to start with; without it a step of a batch costs one look at a variable.

A test lays an order into that file, `before_publish kill 3`: at the third pass of `before_publish`
from now on. The process that gets there takes the order away (by renaming it, so that of several
only one does and a restarted one does not) and obeys:

| action | does |
|---|---|
| `kill` | SIGKILL to itself: no `finally`, no last line |
| `stop` | SIGSTOP to itself, until the test sends SIGCONT: what comes back is a zombie |
| `hold` | waits at this step, the process alive, until the taken order is removed |
"""

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pravah_shared.errors import ConfigurationError
from pravah_shared.telemetry.logs import get_logger

log = get_logger()

Point = Literal[
    "before_handle",
    "between_write_and_read",
    "before_publish",
    "before_acknowledge",
    "before_commit",
    "after_commit",
]
"""Steps of a batch in their order. Before publishing, what follows is kept in the store."""
Action = Literal["kill", "stop", "hold"]

POINTS: tuple[Point, ...] = get_args(Point)
ACTIONS: tuple[Action, ...] = get_args(Action)
HOLD_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Order:
    """What to do, and at which pass of which point."""

    point: Point
    action: Action
    passes: int = 1

    @classmethod
    def read(cls, text: str) -> "Order":
        """Read an order.

        Raises:
            ConfigurationError: it is none; a misspelt order that nobody obeys proves nothing.
        """
        point, action, passes = (*text.split(), "", "", "")[:3]
        for known in POINTS:
            for act in ACTIONS:
                if (point, action) == (known, act) and passes.isdigit():
                    return cls(known, act, int(passes))
        raise ConfigurationError(f"{text!r} is no order: <point> <kill|stop|hold> <passes>")

    def lay(self, file: Path) -> None:
        """Lay the order for whoever comes first, in place of an earlier one."""
        taken_from(file).unlink(missing_ok=True)
        fresh = file.with_name(f"{file.name}.new")
        fresh.write_text(f"{self.point} {self.action} {self.passes}")
        fresh.replace(file)


def taken_from(file: Path) -> Path:
    """Return where an order is once it is taken; it then holds the pid of who took it."""
    return file.with_name(f"{file.name}.taken")


class Failpoints:
    """Counts passes and obeys the order in a file, if one lies there."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._laid_at = 0
        self._passes = 0

    async def reach(self, point: Point) -> None:
        """Do as ordered, if the order is for this point and pass."""
        order = self._order()
        if order is None or order.point != point:
            return
        self._passes += 1
        if self._passes >= order.passes and self._take():
            await self._obey(order)

    def _order(self) -> Order | None:
        """Return the order that lies there. Passes count from when it was laid."""
        try:
            laid_at = self._file.stat().st_mtime_ns
            text = self._file.read_text()
        except FileNotFoundError:
            return None
        if laid_at != self._laid_at:
            self._laid_at, self._passes = laid_at, 0
        return Order.read(text)

    def _take(self) -> bool:
        """Take the order; False: another process was faster."""
        pid = str(os.getpid())
        own = self._file.with_name(f"{self._file.name}.{pid}")
        note = own.with_name(f"{own.name}.taken")
        with suppress(FileNotFoundError):
            self._file.rename(own)
            # Not into the order itself: who has it open would read a pid, or nothing, as an order.
            note.write_text(pid)
            note.rename(taken_from(self._file))
            own.unlink()
            return True
        return False

    async def _obey(self, order: Order) -> None:
        log.warning("failpoint.reached", point=order.point, action=order.action)
        match order.action:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
            case "hold":
                while taken_from(self._file).exists():  # noqa: ASYNC110 - another process removes it
                    await asyncio.sleep(HOLD_POLL_SECONDS)


_armed: Failpoints | None = None


def arm(file: Path | None) -> None:
    """Obey orders laid into `file` from now on; None: obey none. Called when a stream is built."""
    global _armed  # noqa: PLW0603 - one per process, as there is one process to kill
    _armed = None if file is None else Failpoints(file)
    if file is not None:
        log.warning("failpoints.armed", file=str(file))


async def reach(point: Point) -> None:
    """Pass a point of the loop. Once per step of a batch, never per record."""
    if _armed is not None:
        await _armed.reach(point)

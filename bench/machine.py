"""What the figures were measured on, and the CPU time of a process."""

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

KIB_PER_GIB = 1024 * 1024
QUIET_LOAD = 1.5
"""Above it, at the start, others were at work on the machine: the figures are noisy."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine at the start of a run."""

    cores: int
    memory_gib: float
    processor: str
    load: float
    parts: str
    date: str

    @classmethod
    def here(cls, parts: str) -> "Machine":
        """Look at this machine. `parts` names the broker and the store."""
        return cls(
            cores=len(os.sched_getaffinity(0)),
            memory_gib=_field("/proc/meminfo", "MemTotal") / KIB_PER_GIB,
            processor=_processor(),
            load=os.getloadavg()[0],
            parts=parts,
            date=datetime.now(UTC).date().isoformat(),
        )

    def lines(self) -> list[str]:
        """Say it to a reader."""
        noisy = "" if self.load < QUIET_LOAD else " (others were at work: figures are noisy)"
        hardware = f"{self.cores} cores ({self.processor}), {self.memory_gib:.0f} GiB"
        return [
            f"{self.date}, {hardware}, load {self.load:.1f} at the start{noisy}",
            f"Python {platform.python_version()}, {platform.system()} {platform.release()}",
            self.parts,
        ]


def cpu_seconds(pid: int) -> float:
    """Return the CPU time, user and system, that process `pid` has used, all threads.

    Raises:
        ProcessLookupError: it does not run.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError as error:
        raise ProcessLookupError(f"process {pid} has ended; see its log") from error
    return cpu_ticks(stat) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Return the resident memory of process `pid` in MB (10^6 bytes).

    Raises:
        ProcessLookupError: it does not run.
    """
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except FileNotFoundError as error:
        raise ProcessLookupError(f"process {pid} has ended; see its log") from error
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_ticks(stat: str) -> int:
    """Return utime + stime of a line of /proc/<pid>/stat (proc_pid_stat(5), fields 14 and 15)."""
    # The second field, the program's name, may hold blanks and brackets.
    fields = stat.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _field(file: str, name: str) -> int:
    for line in Path(file).read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()

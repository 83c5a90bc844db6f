"""Figures and their ratios. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

COLUMNS = ("what", "ours", "baseline", "unit", "ratio", "spread", "target", "holds")


class WrongOutput(Exception):  # noqa: N818 - nothing failed; a figure is void
    """What was measured did not do its work: its figure means nothing."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How long a number of events took: by the clock, and in CPU time of the one process."""

    events: int
    seconds: float
    cpu_seconds: float

    @property
    def per_second(self) -> float:
        """Events per second."""
        return self.events / self.seconds

    @property
    def per_cpu_second(self) -> float:
        """Events per CPU second."""
        return self.events / self.cpu_seconds


@dataclass(frozen=True, slots=True)
class Pair:
    """One turn: ours and the baseline, measured right after each other."""

    ours: float
    baseline: float

    def __post_init__(self) -> None:
        """Refuse a turn that measured nothing: its ratio would mean nothing."""
        if self.ours <= 0 or self.baseline <= 0:
            raise ValueError(f"a turn without a figure: {self}; let it run longer")

    @property
    def ratio(self) -> float:
        """How many times the baseline."""
        return self.ours / self.baseline


@dataclass(frozen=True, slots=True)
class Result:
    """A line of the table. `target` is the least ratio that is asked for, None where none is."""

    name: str
    unit: str
    pairs: tuple[Pair, ...]
    target: float | None = None

    @property
    def value(self) -> float:
        """Median of our turns."""
        return median(pair.ours for pair in self.pairs)

    @property
    def baseline(self) -> float:
        """Median of the baseline's turns."""
        return median(pair.baseline for pair in self.pairs)

    @property
    def ratio(self) -> float:
        """Median of the turns' ratios.

        Not the ratio of the medians: what disturbs a machine disturbs both sides of a turn.
        """
        return median(pair.ratio for pair in self.pairs)

    @property
    def holds(self) -> bool | None:
        """Whether the target is reached; None without one."""
        return None if self.target is None else self.ratio >= self.target

    def as_json(self) -> dict[str, Any]:
        """Return the entry of results.json."""
        return {
            "name": self.name,
            "value": round(self.value, 1),
            "unit": self.unit,
            "baseline": round(self.baseline, 1),
            "ratio": round(self.ratio, 3),
            "target": self.target,
            "holds": self.holds,
        }

    def row(self) -> list[str]:
        """Return the line of the table, in the order of COLUMNS."""
        ratios = [pair.ratio for pair in self.pairs]
        return [
            self.name,
            f"{self.value:,.0f}",
            f"{self.baseline:,.0f}",
            self.unit,
            f"{self.ratio:.2f}",
            f"{min(ratios):.2f} - {max(ratios):.2f}",
            "" if self.target is None else f"{self.target:g}",
            {True: "yes", False: "no", None: ""}[self.holds],
        ]


def markdown(results: Sequence[Result]) -> str:
    """Return the table for a document."""
    lines = [COLUMNS, ["---"] * len(COLUMNS), *(result.row() for result in results)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)

"""Figures and their ratios. No I/O."""

from dataclasses import dataclass
from statistics import median
from typing import Any, Literal, Protocol

COLUMNS = ("what", "ours", "baseline", "unit", "ratio", "spread", "target", "holds", "note")


class WrongOutput(Exception):  # noqa: N818 - nothing failed; a figure is void
    """What was measured did not do its work: its figure means nothing."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How long a number of events took: by the clock, and in CPU time of the one process."""

    events: float
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
class Target:
    """A bound on a line's ratio, or on its value, from below or (`at_most`) from above."""

    bound: float
    of: Literal["ratio", "value"] = "ratio"
    at_most: bool = False

    def reached(self, ratio: float, value: float) -> bool:
        """Whether a line with these figures holds it."""
        figure = ratio if self.of == "ratio" else value
        return figure <= self.bound if self.at_most else figure >= self.bound

    def __str__(self) -> str:
        """Say it as the table does."""
        return f"{'≤' if self.at_most else '≥'} {self.bound:,g}"


class Line(Protocol):
    """A line of the table and an entry of results.json."""

    @property
    def name(self) -> str:
        """What is measured."""
        ...

    @property
    def holds(self) -> bool | None:
        """Whether the target is reached; None without one."""
        ...

    def as_json(self) -> dict[str, Any]:
        """Return the entry of results.json."""
        ...

    def row(self) -> list[str]:
        """Return the line of the table, in the order of COLUMNS."""
        ...


@dataclass(frozen=True, slots=True)
class Result:
    """A line from turns of ours and a baseline. A bare number as target: the least ratio."""

    name: str
    unit: str
    pairs: tuple[Pair, ...]
    target: Target | float | None = None
    note: str = ""

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
        """See `Line`."""
        target = _target(self.target)
        return None if target is None else target.reached(self.ratio, self.value)

    def as_json(self) -> dict[str, Any]:
        """See `Line`."""
        target = _target(self.target)
        return {
            "name": self.name,
            "value": round(self.value, 1),
            "unit": self.unit,
            "baseline": round(self.baseline, 1),
            "ratio": round(self.ratio, 3),
            "target": None if target is None else target.bound,
            "holds": self.holds,
        }

    def row(self) -> list[str]:
        """See `Line`."""
        ratios = [pair.ratio for pair in self.pairs]
        return [
            self.name,
            figure(self.value),
            figure(self.baseline),
            self.unit,
            f"{self.ratio:.2f}",
            f"{min(ratios):.2f} - {max(ratios):.2f}",
            *_said(_target(self.target), self.holds),
            self.note,
        ]


@dataclass(frozen=True, slots=True)
class Fact:
    """A line from one measurement. `baseline` None: there is nothing to compare with.

    `known` false: the figure is not of what the target asks for (a quick look), so nothing is
    claimed.
    """

    name: str
    unit: str
    value: float
    baseline: float | None = None
    target: Target | None = None
    note: str = ""
    known: bool = True

    @property
    def ratio(self) -> float | None:
        """How many times the baseline; None without one."""
        return self.value / self.baseline if self.baseline else None

    @property
    def holds(self) -> bool | None:
        """See `Line`."""
        if self.target is None or not self.known:
            return None
        return self.target.reached(self.ratio or 0.0, self.value)

    def as_json(self) -> dict[str, Any]:
        """See `Line`."""
        return {
            "name": self.name,
            "value": round(self.value, 1),
            "unit": self.unit,
            "baseline": None if self.baseline is None else round(self.baseline, 1),
            "ratio": None if self.ratio is None else round(self.ratio, 3),
            "target": None if self.target is None else self.target.bound,
            "holds": self.holds,
        }

    def row(self) -> list[str]:
        """See `Line`."""
        return [
            self.name,
            figure(self.value),
            "" if self.baseline is None else figure(self.baseline),
            self.unit,
            "" if self.ratio is None else f"{self.ratio:.2f}",
            "",
            *_said(self.target, self.holds),
            self.note,
        ]


def figure(number: float) -> str:
    """Write a figure: small ones with a decimal, large ones with their thousands apart."""
    return f"{number:,.1f}" if 0 < abs(number) < 100 else f"{number:,.0f}"


def _target(target: Target | float | None) -> Target | None:
    return Target(target) if isinstance(target, float | int) else target


def _said(target: Target | None, holds: bool | None) -> tuple[str, str]:  # noqa: FBT001
    said = {True: "yes", False: "no", None: ""}[holds]
    return ("" if target is None else str(target)), said

"""One invariant, judged: whether it holds, what was counted, what is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NAMED = 5
"""Most examples of what is wrong that a verdict names."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`counts` say what was looked at: an invariant that nothing could break proves nothing.

    `wrong` counts what is wrong, of which `problems` name the first.
    """

    invariant: str
    counts: Mapping[str, float]
    problems: Sequence[str] = ()
    wrong: int = 0

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def counted(self) -> str:
        """The counts in words."""
        return " · ".join(f"{number:,.10g} {what}" for what, number in self.counts.items())


def judged(
    invariant: str, counts: Mapping[str, float], problems: Sequence[str], *, looked_at: str
) -> Verdict:
    """Return a verdict that does not hold either when nothing was looked at."""
    if not counts[looked_at]:
        problems = [f"nothing to judge by: 0 {looked_at}", *problems]
    shown = [*problems[:NAMED]]
    if len(problems) > NAMED:
        shown.append(f"and {len(problems) - NAMED} more")
    return Verdict(invariant, counts, shown, len(problems))

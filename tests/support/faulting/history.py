"""What was seen while a run went on, and what is judged by it: a fault may heal before the end."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from faulting.facts import Document, regressions
from faulting.verdict import Verdict, judged

WARM_SECONDS = 12.0
WARM_SHARE = 1 / 3
"""A process imports, connects and fills its caches in this time, or this share of its life if that
is longer: on a busy machine it takes as long as it takes."""
LIFE_SECONDS = 15.0
"""Shorter lives after that say nothing about memory."""
LONG_SECONDS = 180.0
SHORT_GROWTH_KIB = 32 * 1024
LONG_GROWTH_KIB = 12 * 1024
"""What a flat process may still gain from the first to the last third of its warm life. In a life
shorter than LONG_SECONDS nobody can tell a small leak from what is not warm yet."""
RECOVER_SECONDS = 90.0
"""By then the lag that a fault left behind must be gone: a session's end, a start, the backlog."""


@dataclass(slots=True)
class History:
    """Filled by the sampler, a look at a time."""

    looks: int = 0
    looks_failed: int = 0
    passed: int = 0
    passed_undone: list[str] = field(default_factory=list)
    compared: int = 0
    regressed: list[str] = field(default_factory=list)
    last_seen: dict[str, Document] = field(default_factory=dict)
    most_lag: int = 0
    recoveries: list[tuple[str, float]] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    resident: dict[str, list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))
    """(seconds, KiB) of each process's life, by name and pid."""

    def compare(self, documents: Mapping[str, Document]) -> None:
        """Compare documents with what was last seen of them."""
        for id_, document in documents.items():
            if (before := self.last_seen.get(id_)) is not None:
                self.compared += 1
                self.regressed += regressions(before, document)
            self.last_seen[id_] = document

    def progress_never_regressed(self, now: Mapping[str, Document]) -> Verdict:
        """Compare the end with what was last seen, and say what was ever found to go back."""
        gone = [
            said for id_, old in self.last_seen.items() for said in regressions(old, now.get(id_))
        ]
        counts = {
            "documents": len(now),
            "comparisons": self.compared + len(self.last_seen),
            "regressions": len(self.regressed) + len(gone),
        }
        problems = [*self.regressed, *gone]
        return judged("progress never regressed", counts, problems, looked_at="comparisons")

    def offsets_stayed_behind(self, at_the_end: list[str]) -> Verdict:
        """Committed offset <= lowest offset without effect, at every look."""
        problems = [*self.passed_undone, *at_the_end]
        counts = {
            "looks": self.looks,
            "records passed": self.passed,
            "passed without effect": len(problems),
        }
        name = "committed offset <= lowest offset without effect"
        return judged(name, counts, problems, looked_at="records passed")

    def lag_recovered(self, lag: int) -> Verdict:
        """After every fault, and at the end, all of the backlog is handled."""
        problems = list(self.stuck)
        if lag:
            problems.append(f"{lag} records are unhandled at the end")
        slowest = max((seconds for _, seconds in self.recoveries), default=0)
        counts = {
            "highest lag": self.most_lag,
            "recoveries": len(self.recoveries),
            "s the slowest": round(slowest, 1),
            "lag at the end": lag,
        }
        return judged("lag recovers", counts, problems, looked_at="recoveries")

    def memory_is_flat(self) -> Verdict:
        """No process grows once it is warm."""
        problems, lives, most = [], 0, 0
        for name, life in self.resident.items():
            began, ended = life[0][0], life[-1][0]
            warm_at = began + max(WARM_SECONDS, (ended - began) * WARM_SHARE)
            warm = [kib for at, kib in life if at >= warm_at]
            if ended - warm_at < LIFE_SECONDS or len(warm) < 3:
                continue
            lives += 1
            most = max(most, *warm)
            third = len(warm) // 3
            first, last = median(warm[:third]), median(warm[-third:])
            may = LONG_GROWTH_KIB if ended - began > LONG_SECONDS else SHORT_GROWTH_KIB
            if last - first > may:
                problems.append(f"{name} grew from {first / 1024:.0f} to {last / 1024:.0f} MiB")
        counts = {"lives": lives, "MiB at most": round(most / 1024)}
        return judged("memory flat", counts, problems, looked_at="lives")

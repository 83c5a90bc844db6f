"""The contest as lines of the table. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.contest.contestants import FAUST_STORE, Contestant
from bench.contest.judging import Verdict
from bench.results import Fact, Line, Pair, Rate, Result, Target

FASTER_THAN_FAUST = 10.0
FASTER_THAN_BEST = 2.0


@dataclass(frozen=True, slots=True)
class Score:
    """What a contestant reached: its rates by turn, its output undisturbed and under kills."""

    contestant: Contestant
    rates: tuple[Rate, ...]
    calm: Verdict
    killed: Verdict

    @property
    def sound(self) -> bool:
        """Whether it lost, doubled and mistook nothing: the guarantees that we give."""
        return not self.calm.faults and not self.killed.faults

    @property
    def per_second(self) -> float:
        """Median of its turns."""
        return median(rate.per_second for rate in self.rates)

    @property
    def per_cpu_second(self) -> float:
        """Median of its turns."""
        return median(rate.per_cpu_second for rate in self.rates)


def lines(ours: Score, peers: Sequence[Score], kills: int) -> list[Line]:
    """Return a line per peer, the best sound ones once more, and what the kills did to each.

    The best of all, and the best of those whose state, as ours, is where others can read it.
    """
    found: list[Line] = []
    for peer in peers:
        if peer.contestant is FAUST_STORE:
            found.append(_beside("stream_vs_faust", ours, peer, FASTER_THAN_FAUST))
        else:
            found.append(_beside(f"stream_vs_{peer.contestant.name}", ours, peer))
    sound = [peer for peer in peers if peer.sound]
    in_store = [peer for peer in sound if peer.contestant.in_store]
    if sound:
        found.append(_beside("stream_vs_best_peer", ours, _best(sound), FASTER_THAN_BEST))
    if in_store:
        found.append(_beside("stream_vs_best_in_store", ours, _best(in_store)))
    found.append(_after_kills(ours, kills, Target(0, of="value", at_most=True)))
    return [*found, *(_after_kills(peer, kills) for peer in peers)]


def _best(peers: Sequence[Score]) -> Score:
    return max(peers, key=lambda peer: peer.per_second)


def _beside(name: str, ours: Score, peer: Score, target: float | None = None) -> Line:
    pairs = tuple(
        Pair(own.per_second, other.per_second)
        for own, other in zip(ours.rates, peer.rates, strict=True)
    )
    per_core = ours.per_cpu_second / peer.per_cpu_second
    note = f"{peer.contestant.what}; per CPU second {per_core:.1f} times"
    return Result(name, "events/s", pairs, target, note)


def _after_kills(score: Score, kills: int, target: Target | None = None) -> Line:
    name = f"kill_{score.contestant.name}"
    note = f"{kills} kills: {score.killed}"
    if score.calm.faults:
        note += f"; undisturbed already {score.calm}"
    return Fact(name, "faults", score.killed.faults, target=target, note=note)

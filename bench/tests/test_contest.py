"""Which lines the contest gives, and when a contestant is killed."""

from bench.contest.contestants import FAUST_STORE, OURS, PEERS, Contestant
from bench.contest.judging import Verdict
from bench.contest.race import thresholds
from bench.contest.table import Score, lines
from bench.results import Line, Rate

FINE, LOSING = Verdict(100, repeated=3), Verdict(100, lost=1)
SLOW, FAST, FASTEST = PEERS[1], PEERS[2], PEERS[3]


def score(contestant: Contestant, per_second: float, killed: Verdict = FINE) -> Score:
    """Return a score of one turn."""
    return Score(contestant, (Rate(per_second, 1, 2),), Verdict(100), killed)


def table(*peers: Score) -> dict[str, Line]:
    """Return the lines by name, ours at 2,000 events a second."""
    return {line.name: line for line in lines(score(OURS, 2_000), peers, 3)}


def test_the_best_peer_is_the_fastest_that_loses_and_doubles_nothing() -> None:
    """Speed without the guarantee is another job."""
    found = table(score(SLOW, 10), score(FAST, 100), score(FASTEST, 1_000, LOSING))
    assert found["stream_vs_best_peer"].as_json()["ratio"] == 20
    assert found[f"stream_vs_{FASTEST.name}"].as_json()["ratio"] == 2


def test_the_best_that_keeps_its_state_where_others_read_it_has_a_line_of_its_own() -> None:
    """A state on a local disk answers nobody's request."""
    found = table(score(FAUST_STORE, 10), score(FAST, 1_000))
    assert found["stream_vs_best_peer"].as_json()["ratio"] == 2
    assert found["stream_vs_best_in_store"].as_json()["ratio"] == 200


def test_without_a_sound_peer_there_is_no_best_one() -> None:
    """No figure rather than one that compares unlike things."""
    assert "stream_vs_best_peer" not in table(score(SLOW, 10, LOSING))


def test_a_fault_of_ours_does_not_hold() -> None:
    """Theirs are facts, ours a promise."""
    found = {one.name: one for one in lines(score(OURS, 1, LOSING), [score(SLOW, 1, LOSING)], 1)}
    assert found["kill_pravah"].holds is False
    assert found[f"kill_{SLOW.name}"].holds is None
    assert table(score(SLOW, 1))["kill_pravah"].holds is True


def test_the_target_against_faust_is_for_the_one_with_the_same_store() -> None:
    """Its own table is another line, without a target."""
    found = table(score(FAUST_STORE, 190), score(SLOW, 100))
    assert (found["stream_vs_faust"].as_json()["target"], found["stream_vs_faust"].holds) == (
        10,
        True,
    )
    assert found["stream_vs_faust_table"].holds is None


def test_kills_are_spread_and_leave_work_after_the_last() -> None:
    """Else the last one would show nothing."""
    assert list(thresholds(100, 3)) == [20, 40, 60]
    assert list(thresholds(2, 3)) == [1, 1, 1]

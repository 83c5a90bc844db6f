"""The learning that is measured: what the figures of the table rest on."""

from bench import learning
from bench.documents import batches

LEARNERS = 60


def test_a_turn_reports_once_for_each_learner() -> None:
    """Then a batch holds as many documents as events: nothing is merged away."""
    reports = list(learning.turn(0, LEARNERS))
    assert sorted(report.learner_id for report in reports) == [
        learning.learner_id(learner) for learner in range(LEARNERS)
    ]
    assert reports != list(learning.turn(1, LEARNERS))
    assert all(len(report.updates) == 1 for report in reports)


def test_the_merge_ratio_counts_events_per_document() -> None:
    """A figure with many events of one learner in a batch would not be the target's."""
    reports = list(learning.turn(0, LEARNERS))
    assert learning.merge_ratio(reports, 25) == 1
    assert learning.merge_ratio([*reports[:10], *reports[:10]], 20) == 2


def test_some_complete_in_each_turn() -> None:
    """Announcing is part of the work that is measured."""
    through = [
        {learner for learner in range(LEARNERS) if learning.completes(learner, turns)}
        for turns in range(6)
    ]
    assert through[0] == set()
    for turn in range(5):
        assert (
            set(learning.completing(turn, LEARNERS)) == through[turn + 1] - through[turn] != set()
        )


def test_who_is_through_has_passed_every_unit_by_the_day_of_completion() -> None:
    """Two tellings of one thing: by counting turns, and by going through what happened."""
    for learner in range(LEARNERS):
        for turns in range(8):
            passed = learning.passed(learner, turns)
            assert (len(passed) == learning.UNITS) is learning.completes(learner, turns)
            if learning.completes(learner, turns):
                assert max(at for at, _ in passed.values()) == learning.completed_at()


def test_opening_a_unit_again_does_not_move_the_day_it_was_passed() -> None:
    """It adds seconds."""
    (before, spent), (after, more) = (learning.passed(18, turns)["unit-00"] for turns in (1, 2))
    assert before == after == learning.START.replace(hour=9)
    assert (spent, more) == (300, 600)


def test_batches_hold_everything_once() -> None:
    """The last one may be smaller."""
    cut = batches(list(range(1234)), 500)
    assert [len(batch) for batch in cut] == [500, 500, 234]
    assert [item for batch in cut for item in batch] == list(range(1234))

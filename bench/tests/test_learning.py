"""The learning that is measured, against the project's own rules."""

from bench import learning
from bench.documents import batches

from pravah_progress.rules import merge

LEARNERS = 60


def test_a_turn_reports_once_for_each_learner() -> None:
    """Then a batch holds as many documents as events: nothing is merged away."""
    reports = list(learning.turn(0, LEARNERS))
    assert len(merge(reports)) == LEARNERS
    assert reports != list(learning.turn(1, LEARNERS))


def test_some_complete_in_each_turn() -> None:
    """Announcing is part of the work that is measured."""
    through = [
        sum(learning.completes(learner, turns) for learner in range(LEARNERS)) for turns in range(6)
    ]
    assert through[0] == 0
    assert through == sorted(set(through))


def test_what_is_expected_of_a_document_is_what_the_rules_make_of_the_reports() -> None:
    """Two tellings of one thing; the second is the project's own."""
    learner, turns = 18, 4
    reports = [learning.history(learner)]
    for number in range(turns):
        mine = learning.learner_id(learner)
        reports += [one for one in learning.turn(number, LEARNERS) if one.learner_id == mine]
    (change,) = merge(reports)
    held: dict[tuple[str, ...], object] = {**change.maxima, **change.minima}
    for unit, told in learning.content(learner, turns).items():
        path = ("facts", "_", "content", unit)
        assert held[(*path, "status")] == told["status"]
        assert held[(*path, "first_at")] == told["first_at"]
        assert held[(*path, "spent", learning.DEVICE_ID)] == told["spent"][learning.DEVICE_ID]
        for day, span in told["done"].items():
            assert held[(*path, "done", day, "first")] == span["first"]
            assert held[(*path, "done", day, "last")] == span["last"]


def test_batches_hold_everything_once() -> None:
    """The last one may be smaller."""
    cut = batches(list(range(1234)))
    assert [len(batch) for batch in cut] == [500, 500, 234]
    assert [item for batch in cut for item in batch] == list(range(1234))

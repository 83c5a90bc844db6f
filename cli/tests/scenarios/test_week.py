"""The generated week is the same for the same seed and knows its own outcome."""

from datetime import UTC, datetime, timedelta

from pravah_cli.scenarios import week
from pravah_cli.scenarios.model import Enroll, Report, Withdraw

ENDS = datetime(2026, 1, 8, tzinfo=UTC)


def test_the_same_seed_makes_the_same_week() -> None:
    """A demo that failed can be played again."""
    again = week.generate(learners=20, ends=ENDS, seed=3)
    assert week.generate(learners=20, ends=ENDS, seed=3) == again
    assert week.generate(learners=20, ends=ENDS, seed=4) != again


def test_every_step_lies_inside_the_week() -> None:
    """Nothing is reported from the future, which the services would refuse."""
    scenario = week.generate(learners=200, ends=ENDS)
    assert all(ENDS - timedelta(days=week.DAYS) <= step.at < ENDS for step in scenario.steps)


def test_completions_follow_from_the_reports() -> None:
    """Who passed every required unit, counted from the steps, is who must complete."""
    scenario = week.generate(learners=200, ends=ENDS)
    passed: dict[tuple[str, str], set[str]] = {}
    for step in scenario.steps:
        if isinstance(step, Report):
            units = passed.setdefault((step.learner_id, step.course_id), set())
            units.update(update["unit_id"] for update in step.updates)
            units.update(a["unit_id"] for a in step.attempts if a["score"] >= week.PASS_PERCENT)
    complete = {key for key, units in passed.items() if len(units) == 4}
    assert complete == scenario.completions
    share = len(complete) / scenario.count(Enroll)
    assert 0.7 < share < 0.8
    assert scenario.count(Withdraw) > 0

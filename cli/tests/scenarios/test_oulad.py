"""The replay of OULAD agrees with what the data set states about itself."""

import gzip
from pathlib import Path

import pytest

from pravah_cli.scenarios import oulad
from pravah_cli.scenarios.model import Enroll, Report, Scenario, Withdraw, waves

DATA = Path(__file__).parents[3] / "tests" / "data" / "oulad"


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    """Two presentations, as kept in the repository."""
    return oulad.load(DATA)


def test_its_reckoning_agrees_with_the_published_figures(scenario: Scenario) -> None:
    """Two computations that share no code count the same enrollments and completions."""
    assert scenario.count(Enroll) == scenario.published["enrolled"] == 1997
    assert len(scenario.completions) == scenario.published["completed"] == 997
    refused = [
        step for step in scenario.steps if isinstance(step, Withdraw) and step.after_completion
    ]
    assert len(refused) == scenario.published["withdrawals_refused"] == 3


def test_leaving_before_the_last_submission_prevents_completion(scenario: Scenario) -> None:
    """Somebody of FFF 2013B passed everything, but only after leaving: not completed."""
    late = {
        (step.learner_id, step.course_id)
        for step in scenario.steps
        if isinstance(step, Report) and step.after_withdrawal
    }
    assert late
    assert not late & scenario.completions


def test_no_step_of_an_enrollment_comes_twice_at_one_time(scenario: Scenario) -> None:
    """Inside a wave each enrollment has one step, so that a wave may be sent concurrently."""
    for _, wave in waves(scenario.steps):
        keys = [(step.learner_id, step.course_id) for step in wave]
        assert len(keys) == len(set(keys))


def test_waves_are_in_time_order(scenario: Scenario) -> None:
    """Enrolling at 00:00, submitting at 12:00, leaving at 23:59 of their days."""
    times = [wave[0].at for _, wave in waves(scenario.steps)]
    assert times == sorted(times)


def test_an_empty_score_is_handed_in_without_a_mark(scenario: Scenario) -> None:
    """OULAD leaves scores empty for work that was handed in and never marked."""
    unmarked = [
        attempt
        for step in scenario.steps
        if isinstance(step, Report)
        for attempt in step.attempts
        if "score" not in attempt
    ]
    with gzip.open(DATA / "studentAssessment.csv.gz", "rt", encoding="utf-8") as file:
        empty = sum(line.rstrip().endswith(',""') for line in file)
    assert len(unmarked) == empty


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The error says which file is missing and which the data set needs."""
    with pytest.raises(FileNotFoundError, match=r"assessments\.csv\.gz is missing"):
        oulad.load(tmp_path)

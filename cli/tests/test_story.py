"""The story names the first step that did not happen."""

from copy import deepcopy
from typing import Any

from pravah_cli.story import tell

TITLE = "TMA 1752"


def whole() -> dict[str, Any]:
    """Return what the services tell of a learner who has everything."""
    term = {
        "enrollment_id": "e",
        "run_id": None,
        "term": 1,
        "status": "completed",
        "enrolled_at": "2013-10-01T00:00:00Z",
        "withdrawn_at": None,
        "completed_at": "2014-05-01T12:00:00Z",
        "passed": 1,
        "required": 1,
    }
    return {
        "enrollment": {
            "learner": "known",
            "course_version": 1,
            "unpublished_since": None,
            "enrollments": [term],
        },
        "progress": {
            "progress": {"enrollments": [term], "reported": [{"units": ["1752"]}]},
            "explanation": {"completed": True, "reasons": [], "enrollments": []},
        },
        "certificate": {
            "completions": [{"waiting_for": [], "not_eligible": []}],
            "certificates": [
                {
                    "certificate_name": "completion",
                    "state": "issued",
                    "issued_at": "2014-05-01",
                    "verify_url": "http://verify.example/1",
                }
            ],
        },
        "notification": {
            "messages": [
                {"workflow": "certified", "channel": "email", "state": "sent", "reason": None}
            ]
        },
    }


def test_nothing_is_missing_when_everything_came() -> None:
    """A whole story has no first missing step."""
    assert tell(whole()).first_missing is None


def test_missing_units_are_named_with_their_mark() -> None:
    """Who did not finish reads which assessment, how far they came and what is asked."""
    traces = deepcopy(whole())
    traces["progress"]["explanation"] = {
        "completed": False,
        "reasons": [],
        "enrollments": [
            {
                "reasons": [{"code": "units_missing", "text": "1 of 1 is not passed"}],
                "missing": [
                    {
                        "title": TITLE,
                        "state": "below_mark",
                        "best_percent": 31.0,
                        "pass_percent": 40.0,
                    }
                ],
            }
        ],
    }
    missing = tell(traces).first_missing
    assert missing is not None
    assert missing.name == "completion"
    assert f"missing: {TITLE} (below mark, best 31 %, pass mark 40 %)" in missing.said


def test_a_waiting_certificate_says_for_what() -> None:
    """A completion without its person waits, and the story says so."""
    traces = deepcopy(whole())
    traces["certificate"] = {
        "completions": [{"waiting_for": ["person"], "not_eligible": []}],
        "certificates": [],
    }
    missing = tell(traces).first_missing
    assert missing is not None
    assert (missing.name, missing.said) == ("certificate", ("waits for person",))


def test_a_service_that_is_down_costs_only_its_part() -> None:
    """The rest is still told, and the gap is called a gap, not a failure of the learner."""
    story = tell({**whole(), "progress": None})
    assert [step.verdict for step in story.steps] == ["done", "unknown", "unknown", "done", "done"]


def test_an_unknown_learner_is_the_first_thing_missing() -> None:
    """Nothing else matters before the learner is registered."""
    traces = whole()
    traces["enrollment"] |= {"learner": "unknown", "enrollments": []}
    missing = tell(traces).first_missing
    assert missing is not None
    assert missing.name == "enrolled"
    assert "the learner is unknown" in missing.said[0]

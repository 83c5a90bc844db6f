"""The logs never hold what is personal or secret."""

import pytest
from pydantic import BaseModel, ValidationError

from pravah_shared.events import Attempt
from pravah_shared.telemetry.redaction import REDACTED, redact, redact_fact


@pytest.mark.parametrize(
    "personal",
    [
        "asha.rao@karmayogi.example",
        "आशा@उदाहरण.भारत",
        "+91 98450 12345",
        "+919845012345",
        "9845012345",
        "98450-12345",
        "919845012345",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJsMSJ9.c2ln",
        "Bearer abc.def-ghi",
    ],
)
def test_known_shapes_are_taken_out(personal: str) -> None:
    """Mail addresses, Indian phone numbers and tokens do not survive in free text."""
    assert personal not in redact(f"could not reach {personal}, given up")


@pytest.mark.parametrize(
    "harmless",
    [
        "01J8ZQ4T3N9W5K",
        "learner do_1134567890123456 enrolled",
        "6f0a2f3c-6d5e-5b58-9d0c-7072617661a8",
        "offset 9845012 of learning.progressed-3",
        "at 2024-05-06T07:08:09.123Z",
        "mongodb://127.0.0.1:27117 did not answer",
        "1712345678",
    ],
)
def test_what_operators_need_stays(harmless: str) -> None:
    """Opaque ids, offsets, times and addresses of machines are the point of a log."""
    assert redact(harmless) == harmless


def test_a_password_in_a_uri_goes() -> None:
    """Connection errors quote the URI."""
    assert redact("mongodb://pravah:s3cret@db:27017 away") == f"mongodb://{REDACTED}@db:27017 away"


def test_a_refused_input_is_not_quoted() -> None:
    """Pydantic's message holds the value; the line keeps the field and the rule."""

    class Form(BaseModel):
        given: int

    with pytest.raises(ValidationError) as caught:
        Form.model_validate({"given": "Asha, Rao"})
    line = redact(str(caught.value))
    assert "Asha" not in line
    assert "given" in line


def test_keys_that_hold_persons_or_secrets_are_blanked_at_any_depth() -> None:
    """A payload that slips in as a fact loses its personal fields."""
    fact = {"learner_id": "l1", "profile": [{"name": "Asha", "Email": "x", "scores": [1, 2]}]}
    assert redact_fact("fact", fact) == {
        "learner_id": "l1",
        "profile": [{"name": REDACTED, "Email": REDACTED, "scores": [1, 2]}],
    }


def test_bytes_and_deep_nesting_are_payloads() -> None:
    """Nobody logs them on purpose."""
    assert redact_fact("record", b"Asha") == REDACTED
    deep: object = "Asha"
    for _ in range(6):
        deep = [deep]
    assert "Asha" not in str(redact_fact("record", deep))


def test_models_are_written_as_text_and_redacted() -> None:
    """An object of ours goes through its repr, with shapes taken out."""
    attempt = Attempt(
        unit_id="u1", attempt_id="a1", score=None, max_score=100, at="2024-01-01T00:00:00Z"
    )
    assert "u1" in redact_fact("attempt", attempt)


def test_a_very_long_fact_is_cut() -> None:
    """One line cannot fill a disk; what stands last, a traceback's error, is kept."""
    cut = redact("x" * 1_000_000 + " ValueError")
    assert len(cut) < 4_100
    assert cut.endswith("ValueError")

"""contracts/: generated, valid, and never broken without being told."""

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError

from pravah_shared.contracts import __main__ as command
from pravah_shared.contracts import files
from pravah_shared.contracts.asyncapi import document
from pravah_shared.contracts.schemas import event_schema, has_value
from pravah_shared.events import EVENT_TYPES, Enrolled, EventData, PersonErased
from pravah_shared.events.types import CourseId, Identifier, LearnerId, RunId, UtcTime
from pravah_shared.kafka.table import TOPICS

COMMITTED = Path(__file__).parents[3] / "contracts"
WITH_VALUE = [model for model in EVENT_TYPES.values() if has_value(model)]


class EnrolledWithoutTerm(EventData):
    """`Enrolled`, had somebody taken a field away."""

    type: ClassVar[str] = Enrolled.type
    topic: ClassVar[str] = Enrolled.topic

    enrollment_id: Identifier
    learner_id: LearnerId
    course_id: CourseId
    run_id: RunId | None = None
    enrolled_at: UtcTime


def run(word: str, directory: Path) -> int:
    """Run the command on the events alone: the services' APIs have tests of their own."""
    return command.main([word, "--events-only", "--directory", str(directory)])


@pytest.mark.parametrize("model", WITH_VALUE, ids=lambda model: model.__name__)
def test_a_schema_is_valid(model: type[EventData]) -> None:
    """The metaschema accepts it, and it bears the id that events name."""
    schema = event_schema(model)

    Draft7Validator.check_schema(schema)
    assert schema["$id"] == f"urn:pravah:event:{model.type}"
    assert schema["description"]


def test_the_sentence_under_a_field_is_published() -> None:
    """Whoever builds on an event reads the meaning of its fields in the schema."""
    fields = event_schema(EVENT_TYPES["org.pravah.learning.completed.v1"])["properties"]

    assert "Mean of the best percents" in fields["score_percent"]["description"]


def test_the_committed_contracts_are_what_the_code_says() -> None:
    """Whoever changes an event sees the contract change in the same commit."""
    assert run("check", COMMITTED) == 0


def test_write_then_check_is_clean_and_write_again_changes_nothing(tmp_path: Path) -> None:
    """Generation is repeatable, byte for byte."""
    assert run("write", tmp_path) == 0
    first = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}

    assert run("check", tmp_path) == 0
    assert run("write", tmp_path) == 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.json")} == first


@pytest.mark.parametrize("word", ["write", "check"])
def test_a_removed_field_is_refused(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """FULL_TRANSITIVE: neither command lets a break pass, and both say what it is."""
    run("write", tmp_path)
    monkeypatch.setitem(EVENT_TYPES, Enrolled.type, EnrolledWithoutTerm)

    assert run(word, tmp_path) == 1
    assert f"{Enrolled.type}, against version 1: term: removed" in capsys.readouterr().err


def test_a_removed_event_type_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its records are still in the topics and in readers' code."""
    run("write", tmp_path)
    monkeypatch.delitem(EVENT_TYPES, Enrolled.type)

    assert run("check", tmp_path) == 1
    assert f"{Enrolled.type}: published and gone" in capsys.readouterr().err


def test_every_version_is_compared_not_only_the_last(tmp_path: Path) -> None:
    """What the second version added, the third may not drop; nor what the first had."""
    schema = event_schema(Enrolled)
    grown = {**schema, "properties": {**schema["properties"], "seat": {"type": "integer"}}}
    files.publish(tmp_path, {Enrolled.type: schema})
    files.publish(tmp_path, {Enrolled.type: grown})
    other = {**grown, "properties": {**grown["properties"], "seat": {"type": "string"}}}

    said = list(files.problems(tmp_path, {Enrolled.type: other}))

    assert said == [
        f"{Enrolled.type}, against version 2: seat: type was 'integer', is 'string'",
    ]
    assert list(files.problems(tmp_path, {Enrolled.type: grown})) == []


def test_a_new_field_is_a_new_version_and_new_words_are_not(tmp_path: Path) -> None:
    """History grows by what readers must know of, not by every edited sentence."""
    schema = event_schema(Enrolled)
    files.publish(tmp_path, {Enrolled.type: schema})

    assert files.publish(tmp_path, {Enrolled.type: {**schema, "description": "Better."}}) == []
    grown = {**schema, "properties": {**schema["properties"], "seat": {"type": "integer"}}}
    assert list(files.unpublished(tmp_path, {Enrolled.type: grown})) != []
    [added] = files.publish(tmp_path, {Enrolled.type: grown})
    assert added.name == "2.json"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda directory: (directory / "asyncapi.json").unlink(), "asyncapi.json: missing"),
        (lambda directory: (directory / "asyncapi.json").write_text("{}"), "not what the code"),
        (lambda directory: (directory / "events" / "old.json").write_text("{}"), "nothing generat"),
    ],
)
def test_a_stale_directory_is_named(
    spoil: Any, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Missing, edited and left-over files are each found."""
    run("write", tmp_path)
    spoil(tmp_path)

    assert run("check", tmp_path) == 1
    assert said in capsys.readouterr().err


def test_asyncapi_tells_who_may_read_what() -> None:
    """The channels tagged public are those that parties outside may read."""
    channels = document()["channels"]

    public = {name for name, channel in channels.items() if {"name": "public"} in channel["tags"]}
    assert public == {topic.name for topic in TOPICS.values() if topic.public and topic.event_types}
    assert channels["people"]["tags"] == [{"name": "internal"}]
    assert channels["people"]["bindings"]["kafka"]["topicConfiguration"]["cleanup.policy"] == [
        "compact"
    ]


def test_a_tombstone_has_no_schema() -> None:
    """There is no value to describe; the message stands in AsyncAPI with its headers."""
    message = document()["components"]["messages"][PersonErased.type]

    assert "payload" not in message
    assert "content-type" not in message["headers"]["properties"]


TAKEN: list[dict[str, Any]] = [{}, {"run_id": None}, {"run_id": "r"}, {"more": [1]}]
REFUSED: list[dict[str, Any]] = [
    {"term": "1"},
    {"term": 0},
    {"term": 1.5},
    {"term": None},
    {"learner_id": "a|b"},
    {"origin": "else"},
    {"state_code": "KA"},
    {"enrolled_at": 0},
]
GOOD: dict[str, Any] = {
    "enrollment_id": "e",
    "learner_id": "l",
    "course_id": "c",
    "term": 1,
    "course_version": 1,
    "enrolled_at": "2025-06-01T00:00:00Z",
}


@pytest.mark.parametrize("change", TAKEN, ids=str)
def test_what_the_schema_takes_our_reader_takes(change: dict[str, Any]) -> None:
    """Whoever validates by the published schema meets no surprise at our reader."""
    Draft7Validator(event_schema(Enrolled)).validate(GOOD | change)

    Enrolled.model_validate_json(json.dumps(GOOD | change), strict=True)


@pytest.mark.parametrize("change", REFUSED, ids=str)
def test_what_our_reader_refuses_the_schema_refuses(change: dict[str, Any]) -> None:
    """And the other way round: what is poison here is invalid there."""
    with pytest.raises(ValueError, match=next(iter(change))):
        Enrolled.model_validate_json(json.dumps(GOOD | change), strict=True)

    with pytest.raises(ValidationError):
        Draft7Validator(event_schema(Enrolled)).validate(GOOD | change)

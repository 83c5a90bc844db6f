"""CloudEvents 1.0 in Kafka binary mode: an event's attributes as headers, its data as the value.

Specification: CloudEvents Kafka protocol binding 1.0.2, section 3.2 (binary content mode). Our own
code because this is the hot path of every stream; the `cloudevents` SDK is the oracle in tests.
Reading is as strict as the published schemas: what they refuse is `Undecodable` here.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeAlias

from pydantic import ValidationError

from pravah_shared.errors import Undecodable
from pravah_shared.events import EVENT_TYPES, Event, EventData, PersonErased, Position
from pravah_shared.record import Record

SCHEMA_BASE = "urn:pravah:event:"
"""`ce_dataschema` of a type and `$id` of its schema in contracts/events."""

REQUIRED = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time")
JSON = b"application/json"
_required_of = itemgetter(*REQUIRED)

Reader: TypeAlias = Callable[[bytes], Any]
"""Reads an event's data quickly: something with the fields of its contract that the handler uses
and its `subject`; or None for whatever it is not sure of."""

NO_READERS: Final[Mapping[str, Reader]] = {}

_MODELS = {event_type.encode(): model for event_type, model in EVENT_TYPES.items()}


class Encoded(NamedTuple):
    """A record ready to be published. `topic` is without the deployment's prefix."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


def encode(event: Event[Any]) -> Encoded:
    """Write an event. `PersonErased` becomes a tombstone: no value, so Kafka forgets the key.

    Raises:
        ValueError: `event.time` has no time zone; guessing one would move the fact in time.
    """
    if event.time.tzinfo is None:
        raise ValueError(f"event {event.id} has a time without time zone; give it in UTC")
    key = event.subject.encode()
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", event.id.encode()),
        ("ce_source", event.source.encode()),
        ("ce_type", event.type.encode()),
        ("ce_subject", key),
        ("ce_time", event.time.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()),
    ]
    if event.traceparent is not None:
        headers.append(("traceparent", event.traceparent.encode()))
    if isinstance(event.data, PersonErased):
        return Encoded(event.data.topic, key, None, headers)
    headers.append(("ce_dataschema", (SCHEMA_BASE + event.type).encode()))
    headers.append(("content-type", b"application/json"))
    value = event.data.__pydantic_serializer__.to_json(event.data, exclude_none=True)
    return Encoded(event.data.topic, key, value, headers)


def decode(record: Record, readers: Mapping[str, Reader] = NO_READERS) -> Event[Any]:
    """Read an event; its `position` says where it was found.

    `readers` read the data of some event types in a shape of their own; what one does not take,
    the contract judges.

    Raises:
        Undecodable: the record breaks the contract. The message names the header or field and
            never repeats the value, which may be personal.
    """
    headers = _headers(record)
    model = _MODELS.get(headers["ce_type"])
    try:
        subject = headers["ce_subject"].decode()
        if model is None:
            raise Undecodable(_unknown(headers["ce_type"].decode()))
        _refuse_misplaced(record, model, headers["ce_subject"])
        event_data = _data(model, subject, record.value, readers)
        if event_data.subject != subject:
            raise Undecodable("ce_subject differs from the learner or course that the data names")
        traceparent = headers.get("traceparent")
        return Event(
            headers["ce_id"].decode(),
            headers["ce_source"].decode(),
            _time(headers["ce_time"].decode()),
            event_data,
            None if traceparent is None else traceparent.decode(),
            Position(record.topic, record.partition, record.offset),
        )
    except UnicodeDecodeError as error:
        raise Undecodable("a header is not UTF-8") from error


def _headers(record: Record) -> dict[str, bytes]:
    headers = dict(record.headers)
    try:
        complete = all(_required_of(headers))
    except KeyError:
        complete = False
    if not complete:
        missing = [name for name in REQUIRED if not headers.get(name)]
        raise Undecodable(f"missing CloudEvents headers {', '.join(missing)}")
    if headers["ce_specversion"] != b"1.0":
        raise Undecodable("ce_specversion is not 1.0")
    if len(headers) != len(record.headers):
        _refuse_repeats(record)
    content_type = headers.get("content-type") or JSON
    if not content_type.startswith(JSON):
        raise Undecodable("content-type is not application/json (binary mode is required)")
    return headers


def _unknown(event_type: str) -> str:
    return f"unknown event type {event_type[:120]!r}; deploy readers before writers"


def _refuse_misplaced(record: Record, model: type[EventData], subject: bytes) -> None:
    if model.topic != record.topic:
        raise Undecodable(f"{model.type} belongs on topic {model.topic}, not on {record.topic}")
    if record.key != subject:
        raise Undecodable("the record key differs from ce_subject, so order is not kept")


def _refuse_repeats(record: Record) -> None:
    """Other tools may repeat their headers; an attribute given twice has no meaning."""
    names = [name for name, _ in record.headers if name.startswith("ce_")]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise Undecodable(f"header {', '.join(repeated)} is given more than once")


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise Undecodable("ce_time is not an RFC 3339 time") from error
    if time.tzinfo is None:
        raise Undecodable("ce_time has no time zone")
    return time if time.tzinfo is UTC else time.astimezone(UTC)


def _data(
    model: type[EventData], subject: str, value: bytes | None, readers: Mapping[str, Reader]
) -> Any:
    if model is PersonErased and value is not None:
        raise Undecodable(f"{model.type} is a tombstone and carries no value")
    if model is not PersonErased and value is None:
        raise Undecodable(f"{model.type} has no value; only an erasure is a tombstone")
    try:
        if value is None:
            return PersonErased(learner_id=subject)
        reader = readers.get(model.type)
        if reader is not None and (quick := reader(value)) is not None:
            return quick
        # The validator itself: model_validate_json adds an eighth on small events.
        return model.__pydantic_validator__.validate_json(value, strict=True)
    except ValidationError as error:
        # Without its cause, whose text repeats the value and would carry it into the logs.
        raise Undecodable(f"{model.type} breaks its schema: {_said(error)}") from None


def _said(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    texts = [
        f"{'.'.join(map(str, problem['loc'])) or 'value'}: {problem['msg']}"
        for problem in problems[:5]
    ]
    return "; ".join(texts)[:500]

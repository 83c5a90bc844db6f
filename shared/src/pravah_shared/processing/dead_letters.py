"""Dead letters: records set aside, whole, with all that is needed to understand and retry them.

A dead letter is the record's own key, value and headers, and these headers added:

| header | holds |
|---|---|
| `dead-topic` `dead-partition` `dead-offset` | where the record stood (topic without prefix) |
| `dead-reason` | short, stable word, the metric's label |
| `dead-error` | class of the error |
| `dead-place` | file and line that raised it |
| `dead-message` | text of an error of ours; of a library's none: it may quote a name we decrypted |
| `dead-attempt` | 1, and one more for each `pravah dlq retry` that failed again |
"""

from collections.abc import Sequence
from typing import Any, Protocol

from pravah_shared.codec import Encoded
from pravah_shared.errors import Poison, PravahError, place_of
from pravah_shared.events import Event, Position
from pravah_shared.record import Record
from pravah_shared.telemetry.redaction import redact

MESSAGE_CHARACTERS = 1_000
"""Keeps the letter of a record that is as large as Kafka allows within Kafka's limit."""


class Publisher(Protocol):
    """What the loop needs of `pravah_shared.kafka.publisher.Publisher`."""

    async def publish(self, events: Sequence[Event[Any]]) -> list[Position]:
        """Return when Kafka has all of them; BrokerUnavailable: some may be there."""
        ...

    async def publish_records(self, records: Sequence[Encoded]) -> list[Position]:
        """Return when Kafka has all of them; BrokerUnavailable: some may be there."""
        ...


def topic_of(service: str) -> str:
    """Name the service's dead-letter topic, without prefix."""
    return f"{service}.dead"


def reason_of(error: Exception) -> str:
    """Word the error for metrics: `undecodable`, `refused`, or `error` for our own bugs."""
    return error.reason if isinstance(error, Poison) else "error"


def dead_letter(record: Record, error: Exception, *, service: str) -> Encoded:
    """Write the dead letter of `record`. A record that died before keeps no earlier notes."""
    notes = {
        "dead-topic": record.topic,
        "dead-partition": str(record.partition),
        "dead-offset": str(record.offset),
        "dead-reason": reason_of(error),
        "dead-error": type(error).__name__,
        "dead-place": place_of(error),
        "dead-message": _message(error)[:MESSAGE_CHARACTERS],
        "dead-attempt": str(_attempts(record) + 1),
    }
    kept = [(name, text) for name, text in record.headers if not name.startswith("dead-")]
    added = [(name, text.encode("utf-8", "replace")) for name, text in notes.items()]
    return Encoded(topic_of(service), record.key, record.value, kept + added)


def _message(error: Exception) -> str:
    """Return the error's text, if we worded it. A store's answer within it is redacted."""
    return redact(str(error)) if isinstance(error, PravahError) else ""


def _attempts(record: Record) -> int:
    """Count earlier deaths. The header may come from anybody, so it is not trusted."""
    text = dict(record.headers).get("dead-attempt") or b""
    return int(text) if text.isdigit() and len(text) < len("1000") else 0

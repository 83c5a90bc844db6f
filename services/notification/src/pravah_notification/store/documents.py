"""How ledger entries look in MongoDB. Event facts and states only: nothing names a person."""

from dataclasses import asdict, fields
from typing import Any

from pravah_notification.model import Entry, Occasion
from pravah_shared.mongo import Document

_OCCASION = tuple(field.name for field in fields(Occasion))
_CHANGING = (
    "state", "missing", "reason", "attempts", "deferrals", "due_at", "visible_at",
)  # fmt: skip
"""What decisions change. `read_at` is not among them: it is the reader's."""


def to_document(entry: Entry) -> Document:
    """Return a new entry's document. None is left out: partial indexes stay small."""
    whole = {
        "_id": entry.id,
        **asdict(entry.occasion),
        "channel": entry.channel,
        "recipient": entry.recipient,
        "generation": entry.generation,
        **_changing(entry),
    }
    return {name: value for name, value in whole.items() if value is not None}


def from_document(document: Document) -> Entry:
    """Return the entry."""
    return Entry(
        occasion=Occasion(**{name: document.get(name) for name in _OCCASION}),  # type: ignore[arg-type]
        channel=document["channel"],
        recipient=document["recipient"],
        generation=document["generation"],
        state=document["state"],
        missing=tuple(document["missing"]),
        reason=document.get("reason"),
        attempts=document["attempts"],
        deferrals=document["deferrals"],
        due_at=document.get("due_at"),
        visible_at=document.get("visible_at"),
        read_at=document.get("read_at"),
    )


def change(entry: Entry) -> dict[str, Any]:
    """Return the update that makes a stored entry stand as `entry` does, ending any lease."""
    changing = _changing(entry)
    gone = {name: "" for name, value in changing.items() if value is None}
    return {
        "$set": {name: value for name, value in changing.items() if value is not None},
        "$unset": {**gone, "lease": ""},
    }


def _changing(entry: Entry) -> dict[str, Any]:
    values = {name: getattr(entry, name) for name in _CHANGING}
    return {**values, "missing": list(entry.missing)}

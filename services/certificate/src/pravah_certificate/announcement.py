"""The certified event, kept inside its certificate and published unchanged until acknowledged."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pravah_certificate.model import Certificate
from pravah_shared.events import Certified, Event, new_event

SOURCE = "/pravah/certificate"


def as_stored(event: Event[Certified]) -> dict[str, Any]:
    """Return an event as it stands in its certificate's document."""
    return {
        "id": event.id,
        "source": event.source,
        "time": event.time,
        "traceparent": event.traceparent,
        "data": event.data.model_dump(mode="json"),
    }


def as_published(stored: Mapping[str, Any]) -> Event[Certified]:
    """Return the event that was stored: the same bytes at every repeat."""
    return Event(
        id=stored["id"],
        source=stored["source"],
        time=stored["time"],
        data=Certified.model_validate(stored["data"]),
        traceparent=stored["traceparent"],
    )


def certified(data: Certified, *, time: datetime, traceparent: str | None) -> dict[str, Any]:
    """Return a new event in its stored form. It continues the trace of its completion."""
    return as_stored(new_event(data, source=SOURCE, time=time, traceparent=traceparent))


def pending(certificate: Certificate) -> bool:
    """Return whether a certificate's event still has to reach Kafka."""
    return certificate.state == "issued" and not certificate.announced

"""Traces cross processes by W3C traceparent, and batches link to what they handle."""

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from pravah_shared.telemetry import traces

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = f"00-{TRACE}-00f067aa0ba902b7-01"


def test_a_span_continues_its_callers_trace(exported: InMemorySpanExporter) -> None:
    """The trace id stays, the parent is the caller's span."""
    with traces.span("work", parent=CALLER):
        carried = traces.current_traceparent()
    assert carried is not None
    assert carried.split("-")[1] == TRACE
    assert carried != CALLER
    (span,) = exported.get_finished_spans()
    assert span.parent is not None
    assert f"{span.parent.span_id:016x}" == "00f067aa0ba902b7"


@pytest.mark.parametrize("outside", ["", "nonsense", "00-0-0-00", "ff-" + CALLER[3:], CALLER[:-3]])
def test_a_malformed_traceparent_starts_a_new_trace(
    outside: str, exported: InMemorySpanExporter
) -> None:
    """It comes from outside: never an error, never trusted."""
    with traces.span("work", parent=outside):
        carried = traces.current_traceparent()
    assert carried is not None
    assert TRACE not in carried


def test_a_batch_is_one_span_linked_to_its_events(exported: InMemorySpanExporter) -> None:
    """One span per batch; each different, valid context is linked once."""
    other = CALLER.replace("4bf9", "5bf9")
    with traces.batch_span(
        "enrolled", "pravah-progress", [CALLER, None, "nonsense", other, CALLER]
    ):
        pass
    (span,) = exported.get_finished_spans()
    assert span.name == "process enrolled"
    assert span.attributes is not None
    assert span.attributes["messaging.batch.message_count"] == 5
    assert [f"{link.context.trace_id:032x}"[:4] for link in span.links] == ["4bf9", "5bf9"]


def test_links_are_bounded(exported: InMemorySpanExporter) -> None:
    """A batch of thousands does not pay for links that the SDK would drop."""
    contexts = [f"00-{TRACE}-{number:016x}-01" for number in range(1, 500)]
    with traces.batch_span("enrolled", "g", contexts):
        pass
    (span,) = exported.get_finished_spans()
    assert len(span.links) == traces.LINKS_PER_SPAN


def test_a_failure_is_marked_without_its_text(exported: InMemorySpanExporter) -> None:
    """An exception's text may quote what a person sent; the span keeps its class."""
    with pytest.raises(ValueError, match="Asha"), traces.span("work"):
        raise ValueError("Asha Rao")
    (span,) = exported.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert "Asha" not in span.to_json()
    assert span.attributes == {"error.type": "ValueError"}


def test_outside_of_any_span_there_is_nothing_to_carry() -> None:
    """No invented context: an event made outside a trace has none."""
    assert traces.current_traceparent() is None

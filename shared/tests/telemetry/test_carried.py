"""Trace ids go on where no span is made."""

import pytest

from pravah_shared.telemetry.carried import Carried, carried
from pravah_shared.telemetry.traces import current_traceparent, span

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = f"00-{TRACE}-00f067aa0ba902b7-00"


def test_a_request_goes_on_with_its_callers_trace() -> None:
    """The trace and its flags stay, the span is our own; outside of it there is nothing."""
    with Carried(CALLER):
        version, trace, span_id, flags = (current_traceparent() or "").split("-")
    assert (version, trace, flags) == ("00", TRACE, "00")
    assert span_id not in {"00f067aa0ba902b7", "0" * 16}
    assert carried() is None


@pytest.mark.parametrize(
    "outside",
    [
        None,
        "",
        "00-zz",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
        "x" * 999,
    ],
)
def test_what_is_no_traceparent_begins_a_new_one(outside: str | None) -> None:
    """It comes from outside: nothing of it is repeated."""
    with Carried(outside):
        version, trace, span_id, flags = (carried() or "").split("-")
    assert (version, len(trace), len(span_id), flags) == ("00", 32, 16, "01")
    assert trace not in {TRACE, "0" * 32}


def test_a_span_within_belongs_to_the_trace() -> None:
    """Work that makes spans of its own is found under the request's trace."""
    with Carried(CALLER), span("work"):
        assert (current_traceparent() or "").split("-")[1] == TRACE

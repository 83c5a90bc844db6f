"""Observing many values at once is observing each."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from pravah_shared.telemetry.observing import observe_all

BOUNDS = (0.05, 0.1, 1, 10)


def histogram() -> Histogram:
    """Return a labelled histogram that no registry knows."""
    made = Histogram(
        "seconds", "A test's.", ["group"], buckets=BOUNDS, registry=CollectorRegistry()
    )
    return made.labels("g")


@given(st.lists(st.one_of(st.floats(0, 20), st.sampled_from(BOUNDS))))
def test_many_at_once_are_counted_as_one_by_one(values: list[float]) -> None:
    """Same buckets, same count; the sum up to what floats lose by another order."""
    at_once, each = histogram(), histogram()
    observe_all(at_once, values)
    for value in values:
        each.observe(value)

    counted, expected = at_once._child_samples(), each._child_samples()
    assert [(s.name, s.labels) for s in counted] == [(s.name, s.labels) for s in expected]
    for one, other in zip(counted, expected, strict=True):
        if one.name != "_created":
            assert abs(one.value - other.value) <= 1e-9 * max(1.0, other.value)

"""Every metric of Pravah, each with its meaning and what a rise calls for.

docs/metrics.md is generated from here (`python -m pravah_shared.telemetry.metrics_page`); a test
fails on a metric that nothing sets, on one defined elsewhere and on a stale page. Labels hold
names of our own (groups, topics, routes), never an id: each value is a series for ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client import Counter, Gauge, Histogram

FAST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Buckets for work of ours: from a cached read to the deadline of a request."""
AGE_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400)
"""Buckets for waiting: from a healthy stream to a day behind."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A line of docs/metrics.md. `rise` says what a rise (of a rate, an age) calls for."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str
    rise: str


DEFINITIONS: list[Definition] = []


def _define(kind: str, name: str, labels: Sequence[str], meaning: str, rise: str) -> None:
    DEFINITIONS.append(Definition(name, kind, tuple(labels), meaning, rise))


def _counter(name: str, labels: Sequence[str], meaning: str, *, rise: str) -> Counter:
    _define("counter", name, labels, meaning, rise)
    return Counter(name, meaning, labels)


def _gauge(name: str, labels: Sequence[str], meaning: str, *, rise: str) -> Gauge:
    _define("gauge", name, labels, meaning, rise)
    return Gauge(name, meaning, labels)


def _histogram(
    name: str, labels: Sequence[str], meaning: str, *, rise: str, buckets: Sequence[float]
) -> Histogram:
    _define("histogram", name, labels, meaning, rise)
    return Histogram(name, meaning, labels, buckets=buckets)


EVENTS_CONSUMED = _counter(
    "pravah_events_consumed_total",
    ("group", "topic", "type"),
    "Events whose batch was handled and whose offset may be committed; redeliveries count again.",
    rise="Nothing by itself. Far above what was published: look for redelivery (rebalances).",
)
EVENTS_PUBLISHED = _counter(
    "pravah_events_published_total",
    ("topic", "type"),
    "Events that Kafka acknowledged (acks=all).",
    rise="Nothing by itself. A drop to zero while requests go on: look at the outbox's age.",
)
DEAD_LETTERS = _counter(
    "pravah_dead_letters_total",
    ("group", "reason"),
    "Records put on the group's dead-letter topic.",
    rise="Read them (`pravah dlq list`), mend the writer or the handler, then `pravah dlq retry`.",
)
BATCH_SECONDS = _histogram(
    "pravah_batch_seconds",
    ("group",),
    "Seconds from a decoded batch to its acknowledged events, retries in place included.",
    rise="The store or the broker is slow or away: look at their own metrics, then at retries.",
    buckets=(*FAST_SECONDS, 30, 60, 300),
)
BATCH_RECORDS = _histogram(
    "pravah_batch_records",
    ("group",),
    "Records handled together in a batch.",
    rise="Nothing by itself: larger batches are how a stream catches up. Full for long: it lags.",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000),
)
BATCH_STEP_SECONDS = _histogram(
    "pravah_batch_step_seconds",
    ("group", "step"),
    "Seconds of a batch's steps: decode, handle (store and decide), publish, acknowledge (mark).",
    rise="Tells which of processor, store and broker makes pravah_batch_seconds rise.",
    buckets=(*FAST_SECONDS, 30, 60, 300),
)
DOCUMENTS_MERGED = _counter(
    "pravah_documents_merged_total",
    ("service",),
    "Documents that batches were merged into. Events consumed per document is the merge ratio.",
    rise="As events consumed. Rising alone: events of one learner no longer come together.",
)
EVENT_AGE_SECONDS = _histogram(
    "pravah_event_age_seconds",
    ("group", "topic"),
    "Seconds from the moment a service first accepted an event (ce_time) to the end of handling.",
    rise="Learners wait: this is the service level. Add stream processes up to the partitions.",
    buckets=AGE_SECONDS,
)
OUTBOX_OLDEST_SECONDS = _gauge(
    "pravah_outbox_oldest_seconds",
    ("collection",),
    "Age of the oldest event that is stored but not yet acknowledged by Kafka; 0 when empty.",
    rise="The relay is down, or Kafka refuses it: look at the relay's log and its /readyz.",
)
CONSUMER_LAG = _gauge(
    "pravah_consumer_lag",
    ("group", "topic", "partition"),
    "Records appended to a partition that the group has not handled yet.",
    rise="On all partitions: add processes. On one: a hot learner or a poison record; see the log.",
)
HTTP_REQUEST_SECONDS = _histogram(
    "pravah_http_request_seconds",
    ("method", "route", "status"),
    "Seconds from a request's headers to the end of its answer, by route template.",
    rise="With status 503: a dependency is away. Else compare with CPU and store latency.",
    buckets=FAST_SECONDS,
)
CERTIFICATES_ISSUED = _counter(
    "pravah_certificates_issued_total",
    ("kind",),
    "Certificates signed and stored, counted by the process that won the insert.",
    rise="Nothing by itself. None while completions rise: `pravah explain` a learner.",
)
DELIVERIES = _counter(
    "pravah_deliveries_total",
    ("channel", "outcome"),
    "Messages by what came of a try: sent, deferred (4xx), interrupted, dead, suppressed, held "
    "(channel down or stopping), retaken (its dispatcher died: may go out twice).",
    rise="Of deferred, interrupted or held: the channel's provider is away or slow; see its log "
    "lines. Of dead: read the reasons (`GET /v1/deliveries?state=dead`).",
)
LOOP_HEARTBEAT_TIMESTAMP_SECONDS = _gauge(
    "pravah_loop_heartbeat_timestamp_seconds",
    ("loop",),
    "Unix time at which a loop (stream, relay, dispatcher) last turned, work or not.",
    rise="It must rise. Standing still for a minute: the loop hangs, liveness restarts it.",
)

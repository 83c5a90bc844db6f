"""The funnel: from what was accepted to what was delivered, out of the services' own counters."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pravah_cli.operators.batches import Batches, batches
from pravah_cli.operators.scrape import Series
from pravah_cli.operators.totals import Totals, quantile

RATE_SECONDS = 10.0
"""Rates over ten seconds: calm enough to read, quick enough to see a stall."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of the funnel: how many so far, how many a second now."""

    name: str
    meaning: str
    total: int
    per_second: float


@dataclass(frozen=True, slots=True)
class Age:
    """How old a group's events were when handled, over the last minute. None: nothing came."""

    group: str
    p50_seconds: float | None
    p99_seconds: float | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the page shows at one moment."""

    at: str
    stages: Sequence[Stage]
    ages: Sequence[Age]
    batches: Sequence[Batches]
    lag: Mapping[str, int]
    dead_letters: Mapping[str, int]
    outbox_oldest_seconds: float
    processes: Mapping[str, bool]


Chosen = Callable[[Series], bool]


def published(topic: str, kind: str = "") -> Chosen:
    """Choose what Kafka acknowledged on `topic`, of one event type if given."""
    return lambda series: (
        series.name == "pravah_events_published_total"
        and series.label("topic") == topic
        and kind in series.label("type")
    )


def consumed_progress(series: Series) -> bool:
    """Choose what the progress stream has handled of what was accepted."""
    return (
        series.name == "pravah_events_consumed_total"
        and series.label("topic") == "progressed"
        and series.label("group").endswith("progress")
    )


def delivered(series: Series) -> bool:
    """Choose messages that reached their channel."""
    return series.name == "pravah_deliveries_total" and series.label("outcome") == "sent"


STAGES: tuple[tuple[str, str, Chosen], ...] = (
    ("enrolled", "enrollments made", published("enrolled", ".enrolled.")),
    ("accepted", "progress reports answered 202", published("progressed")),
    ("progressed", "reports merged and decided", consumed_progress),
    ("completed", "courses completed", published("completed", ".completed.")),
    ("certified", "certificates issued", published("certified", ".certified.")),
    ("delivered", "messages in a mailbox or inbox", delivered),
)


def snapshot(totals: Totals, at: str, processes: Mapping[str, bool]) -> Snapshot:
    """Return what the page shows now."""
    return Snapshot(
        at=at,
        stages=[
            Stage(
                name,
                meaning,
                int(totals.total(chosen)),
                round(max(0.0, totals.rate(chosen, RATE_SECONDS)), 1),
            )
            for name, meaning, chosen in STAGES
        ],
        ages=ages(totals),
        batches=batches(totals),
        lag=by_label(totals.gauges("pravah_consumer_lag"), "group"),
        dead_letters=dead_letters(totals),
        outbox_oldest_seconds=max(
            (value for _, value in totals.gauges("pravah_outbox_oldest_seconds")), default=0.0
        ),
        processes=processes,
    )


def dead_letters(totals: Totals) -> dict[str, int]:
    """Count dead letters by group and reason; only what there is."""
    found: dict[str, int] = {}
    for series, value in totals.sums("pravah_dead_letters_total"):
        if value:
            found[f"{series.label('group')}: {series.label('reason')}"] = int(value)
    return found


def by_label(values: Sequence[tuple[Series, float]], label: str) -> dict[str, int]:
    """Add values up by one label."""
    found: dict[str, float] = defaultdict(float)
    for series, value in values:
        found[series.label(label)] += value
    return {name: int(value) for name, value in sorted(found.items())}


def ages(totals: Totals) -> list[Age]:
    """Return each group's median and 99th percentile age over the last minute."""
    groups: dict[str, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    for series, value in totals.grown("pravah_event_age_seconds_bucket").items():
        groups[series.label("group")][float(series.label("le"))] += value
    return [
        Age(group, quantile(buckets, 0.5), quantile(buckets, 0.99))
        for group, buckets in sorted(groups.items())
    ]

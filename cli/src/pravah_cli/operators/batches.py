"""How streams work: how large their batches are, what merging saves, where the time goes."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from pravah_cli.operators.scrape import Series
from pravah_cli.operators.totals import Totals, quantile

STEPS = ("handle", "publish")
"""What a batch waits for: the store and the decisions, and Kafka."""


@dataclass(frozen=True, slots=True)
class Batches:
    """A group's batches of the last minute. None: nothing came, or it merges nothing.

    `records` is the mean; `events_per_document` the merge ratio; seconds are medians of a batch.
    """

    group: str
    records: float | None
    events_per_document: float | None
    handle_seconds: float | None
    publish_seconds: float | None


def batches(totals: Totals) -> list[Batches]:
    """Return how each group's batches were over the last minute."""
    records = _by_group(totals, "pravah_batch_records_sum")
    counts = _by_group(totals, "pravah_batch_records_count")
    steps = _step_buckets(totals)
    return [
        Batches(
            group,
            _share(records[group], count),
            _merge_ratio(totals, group),
            *(quantile(steps[group, step], 0.5) for step in STEPS),
        )
        for group, count in sorted(counts.items())
    ]


def _by_group(totals: Totals, name: str) -> Mapping[str, float]:
    found: dict[str, float] = defaultdict(float)
    for series, value in totals.grown(name).items():
        found[series.label("group")] += value
    return found


def _step_buckets(totals: Totals) -> Mapping[tuple[str, str], Mapping[float, float]]:
    found: dict[tuple[str, str], dict[float, float]] = defaultdict(lambda: defaultdict(float))
    for series, value in totals.grown("pravah_batch_step_seconds_bucket").items():
        key = (series.label("group"), series.label("step"))
        found[key][float(series.label("le"))] += value
    return found


def _merge_ratio(totals: Totals, group: str) -> float | None:
    """Return events per document. The service's name is the end of its group's."""

    def merges(series: Series) -> bool:
        return group.endswith(series.label("service"))

    documents = sum(
        value
        for series, value in totals.grown("pravah_documents_merged_total").items()
        if merges(series)
    )
    events = sum(
        value
        for series, value in totals.grown("pravah_events_consumed_total").items()
        if series.label("group") == group and series.label("topic") in ("progressed", "enrolled")
    )
    return _share(events, documents)


def _share(of: float, by: float) -> float | None:
    return round(of / by, 2) if by else None

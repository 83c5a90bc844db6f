"""Reading the services' /metrics: Prometheus text format 0.0.4, the series we show."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

SHOWN = (
    "pravah_events_published_total",
    "pravah_events_consumed_total",
    "pravah_dead_letters_total",
    "pravah_deliveries_total",
    "pravah_event_age_seconds_bucket",
    "pravah_batch_records_sum",
    "pravah_batch_records_count",
    "pravah_batch_step_seconds_bucket",
    "pravah_documents_merged_total",
    "pravah_consumer_lag",
    "pravah_outbox_oldest_seconds",
)
LINE = re.compile(rf"^({'|'.join(SHOWN)})\{{(.*)\}} (\S+)", re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a metric; its labels in the order of their names."""

    name: str
    labels: Labels

    def label(self, name: str) -> str:
        """Return a label's value, empty when it has none."""
        return dict(self.labels).get(name, "")


def parse(text: str) -> Iterator[tuple[Series, float]]:
    """Yield the shown series of an exposition and their values."""
    for name, labels, value in LINE.findall(text):
        yield Series(name, tuple(sorted(LABEL.findall(labels)))), float(value)

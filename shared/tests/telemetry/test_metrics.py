"""The metrics are defined in one place, used, and documented."""

import re
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from pravah_shared.telemetry import metrics
from pravah_shared.telemetry.metrics_page import page

ROOT = Path(__file__).resolve().parents[3]
SOURCES = [
    path
    for place in ("shared/src", "services", "cli/src")
    for path in (ROOT / place).rglob("*.py")
    if "tests" not in path.parts
]
OBJECTS = {
    name: metric for name, metric in vars(metrics).items() if isinstance(metric, MetricWrapperBase)
}


def test_the_page_is_current() -> None:
    """docs/metrics.md is what the generator prints."""
    assert (ROOT / "docs/metrics.md").read_text(encoding="utf-8") == page()


def test_every_metric_is_described() -> None:
    """Each object has its line with a meaning and what a rise calls for."""
    assert len(OBJECTS) == len(metrics.DEFINITIONS)
    for definition in metrics.DEFINITIONS:
        assert definition.meaning.endswith(".")
        assert definition.rise.endswith(".")


def test_names_follow_from_the_metric() -> None:
    """`EVENT_AGE_SECONDS` is `pravah_event_age_seconds`: one search finds both."""
    for name, definition in zip(OBJECTS, metrics.DEFINITIONS, strict=True):
        assert definition.name.removeprefix("pravah_").removesuffix("_total") == name.lower()


def test_no_metric_is_unused() -> None:
    """A metric that nothing sets shows a reassuring zero for ever."""
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in SOURCES if path != Path(metrics.__file__)
    )
    unused = [name for name in OBJECTS if not re.search(rf"\b{name}\b", text)]
    assert unused == []


def test_no_metric_is_defined_elsewhere() -> None:
    """Whoever reads docs/metrics.md has read all of them."""
    elsewhere = re.compile(r"prometheus_client.* import .*\b(Counter|Gauge|Histogram|Summary)\b")
    offenders = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if path != Path(metrics.__file__) and elsewhere.search(path.read_text(encoding="utf-8"))
    ]
    assert offenders == []

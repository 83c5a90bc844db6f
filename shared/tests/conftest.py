"""Fixtures that several rooms of the shared tests use."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from pravah_shared.settings import Settings
from pravah_shared.telemetry import traces


@pytest.fixture(scope="session")
def collector() -> InMemorySpanExporter:
    """Return a collector in memory, of the one provider that a process has."""
    traces.configure("test", Settings())
    exporter = InMemorySpanExporter()
    traces.export_to(SimpleSpanProcessor(exporter))
    return exporter


@pytest.fixture
def exported(collector: InMemorySpanExporter) -> Iterator[InMemorySpanExporter]:
    """Yield what is sent to a collector while the test runs."""
    collector.clear()
    yield collector
    collector.clear()

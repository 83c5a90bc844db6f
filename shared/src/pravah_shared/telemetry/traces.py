"""Traces: OpenTelemetry spans, and their W3C `traceparent` across HTTP and Kafka.

One trace runs from a request to the mail it leads to. A request continues the caller's
`traceparent`; an event carries the one under which it was made; a batch, which handles events of
many traces, is one consumer span *linked* to each of them (OpenTelemetry messaging conventions).
Spans leave the process only when OTEL_EXPORTER_OTLP_ENDPOINT is set; ids run on regardless.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import (
    Link,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from pravah_shared.telemetry.carried import VERSION_00, Carried, carried

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.util.types import AttributeValue

    from pravah_shared.settings import Settings

LINKS_PER_SPAN = 128
"""OpenTelemetry's default limit; more are dropped by the SDK after having been paid for."""
EXPORT_VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

_TRACER = trace.get_tracer("pravah")  # a proxy: it finds the provider that `configure` sets later
_W3C = TraceContextTextMapPropagator()
_processors: "list[SpanProcessor]" = []
_KINDS = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}


def configure(service: str, settings: "Settings") -> None:
    """Set up this process's tracer. A second call changes nothing: there is one per process."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    attributes = {
        "service.name": f"pravah-{service}",
        "service.namespace": "pravah",
        "deployment.environment.name": settings.environment,
    }
    provider = TracerProvider(resource=Resource.create(attributes))
    if any(os.environ.get(name) for name in EXPORT_VARIABLES):
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        trace.set_tracer_provider(provider)
        export_to(BatchSpanProcessor(OTLPSpanExporter()))
    else:
        trace.set_tracer_provider(provider)


def export_to(processor: "SpanProcessor") -> None:
    """Send the spans of this process, which is configured, to `processor`."""
    from opentelemetry.sdk.trace import TracerProvider

    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    provider.add_span_processor(processor)
    _processors.append(processor)


def shut_down() -> None:
    """Send what is left to the collector. Blocks up to the exporter's deadline."""
    from opentelemetry.sdk.trace import TracerProvider

    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.force_flush(5_000)


def current_traceparent() -> str | None:
    """Return the W3C traceparent of the current span, to be carried on; None outside of any."""
    return carried() or traceparent_of(trace.get_current_span())


def traceparent_of(span: Span) -> str | None:
    """Return a span's W3C traceparent, or None when it has no identity."""
    context = span.get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


@contextmanager
def span(
    name: str,
    *,
    parent: str | None = None,
    links: Sequence[str | None] = (),
    kind: str = "internal",
    attributes: "Mapping[str, AttributeValue] | None" = None,
) -> Iterator[Span]:
    """Run the block within a span.

    `parent` is a traceparent from outside (else the current span is the parent); `links` are the
    traceparents of the events of a batch, of which the first LINKS_PER_SPAN different ones count.
    A malformed traceparent is ignored, as W3C demands: it comes from outside.
    """
    with _TRACER.start_as_current_span(
        name,
        context=_context_of(parent) if (parent := parent or _carried_alone()) else None,
        kind=_KINDS[kind],
        links=_links(links),
        attributes=attributes,
        # Both would copy the exception's text, which may quote what a person sent.
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except BaseException as error:
            fail(current, type(error).__name__)
            raise


def request_span(method: str, parent: str | None) -> AbstractContextManager[Span]:
    """Return the server span of a request; where nobody collects spans, its ids alone."""
    if _processors:
        return span(method, parent=parent, kind="server")
    return Carried(parent)


def fail(span: Span, error_type: str) -> None:
    """Mark a span as failed by a short, stable label; never by an exception's text."""
    span.set_attribute("error.type", error_type)
    span.set_status(Status(StatusCode.ERROR))


def batch_span(
    topic: str, group: str, traceparents: Sequence[str | None]
) -> AbstractContextManager[Span]:
    """Return the one consumer span of a batch, linked to its events: run the batch within."""
    return span(
        f"process {topic}",
        kind="consumer",
        links=traceparents,
        attributes={
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.destination.name": topic,
            "messaging.consumer.group.name": group,
            "messaging.batch.message_count": len(traceparents),
        },
    )


def _carried_alone() -> str | None:
    """Return the traceparent that is carried, unless a span within it is the parent already."""
    return None if trace.get_current_span().get_span_context().is_valid else carried()


def _context_of(traceparent: str) -> "Context":
    return _W3C.extract({"traceparent": traceparent})


def _span_context_of(traceparent: str) -> SpanContext:
    """Return what a traceparent names; invalid when it is malformed.

    Version 00 is read here: through the propagator the links of a batch cost as much as decoding
    a sixth of a thousand events.
    """
    if found := VERSION_00.fullmatch(traceparent):
        trace_id, span_id, flags = (int(part, 16) for part in found.groups())
        return SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
    return trace.get_current_span(_context_of(traceparent)).get_span_context()


def _links(traceparents: Sequence[str | None]) -> list[Link]:
    different = dict.fromkeys(filter(None, traceparents))
    links: list[Link] = []
    for traceparent in different:
        context = _span_context_of(traceparent)
        if context.is_valid:
            links.append(Link(context))
        if len(links) == LINKS_PER_SPAN:
            break
    return links

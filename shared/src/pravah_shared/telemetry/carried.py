"""A request's trace where nobody collects spans: its ids are carried on, and nothing else is made.

A span of the SDK costs as much as the rest of a small request, also when no exporter is set. The
ids are all that log lines, problem documents and events take from it.
"""

import re
from contextvars import ContextVar, Token
from random import getrandbits
from types import TracebackType
from typing import Final

from opentelemetry.trace import INVALID_SPAN, Span

VERSION_00: Final = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
"""A W3C traceparent of today: trace id, parent span id, flags. Later versions may add to it."""
_NO_TRACE: Final = "0" * 32
_NO_SPAN: Final = "0" * 16
_current: ContextVar[str | None] = ContextVar("traceparent", default=None)


def carried() -> str | None:
    """Return the traceparent of the request at hand; None outside of any."""
    return _current.get()


class Carried:
    """Context manager: what runs within carries on `parent`'s trace, or a new one.

    A `parent` that is malformed, or of a version to come, begins a new one.
    """

    __slots__ = ("_token", "_traceparent")
    _token: Token[str | None]

    def __init__(self, parent: str | None) -> None:
        found = VERSION_00.fullmatch(parent) if parent else None
        if found and found[1] != _NO_TRACE and found[2] != _NO_SPAN:
            self._traceparent = f"00-{found[1]}-{getrandbits(64) or 1:016x}-{found[3]}"
        else:
            self._traceparent = f"00-{getrandbits(128) or 1:032x}-{getrandbits(64) or 1:016x}-01"

    def __enter__(self) -> Span:
        self._token = _current.set(self._traceparent)
        return INVALID_SPAN

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        _current.reset(self._token)

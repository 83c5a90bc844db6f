"""Cursor paging: `?limit=&cursor=`, answers `{"items": […], "next_cursor": …}`.

A cursor holds the sort key of the last item given; the next page begins after it, so items that
come or go in between are neither doubled nor skipped. It is opaque to clients, and no secret: a
forged one only moves the position, and what may be seen is checked apart from it.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Query

from pravah_shared.http.problems import Problem
from pravah_shared.http.validation import FieldProblem

LIMIT_DEFAULT: Final = 50
LIMIT_MOST: Final = 200
CURSOR_LONGEST: Final = 1024
MILLISECONDS_END: Final = 1 << 45
"""The year 3084: a datetime holds every moment before it."""

Key = tuple[str | int | float | None, ...]
"""A sort key, never empty. Times go as milliseconds."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageParams:
    """What a client asks for: at most `limit` items, after the sort key `after` (None: start)."""

    limit: int = LIMIT_DEFAULT
    after: Key | None = None

    @property
    def after_id(self) -> str | None:
        """The id that the page begins after, in a list sorted by id. None: from its start.

        Raises:
            Problem: 422; the cursor is of another list.
        """
        match self.after:
            case None:
                return None
            case (str() as id_,):
                return id_
            case _:
                raise _bad_cursor("is of another list")

    @property
    def after_moment(self) -> tuple[datetime, str] | None:
        """Time and id that the page begins after, in a list sorted so; `moment_key` made it.

        Raises:
            Problem: 422; the cursor is of another list.
        """
        match self.after:
            case None:
                return None
            case (int() as milliseconds, str() as id_) if 0 <= milliseconds < MILLISECONDS_END:
                return datetime.fromtimestamp(milliseconds / 1000, UTC), id_
            case _:
                raise _bad_cursor("is of another list")

    @property
    def fetch(self) -> int:
        """How many items to read: one more than asked tells whether there is a next page."""
        return self.limit + 1

    def page(self, items: Sequence[T], key: Callable[[T], Key]) -> dict[str, Any]:
        """Return the answer for `fetch` items read in order; `key` is an item's sort key."""
        given = list(items[: self.limit])
        more = len(items) > self.limit
        return {"items": given, "next_cursor": encode_cursor(key(given[-1])) if more else None}


def moment_key(at: datetime, id_: str) -> Key:
    """Return the sort key of an item in a list by time, then id."""
    return round(at.timestamp() * 1000), id_


def encode_cursor(key: Key) -> str:
    """Return a cursor that stands after `key`."""
    text = json.dumps(key, ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> Key:
    """Return the sort key of a cursor.

    Raises:
        Problem: 422; it is none of ours.
    """
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        key = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError) as error:
        raise _bad_cursor() from error
    if not isinstance(key, list) or not key or not all(_is_part(part) for part in key):
        raise _bad_cursor()
    return tuple(key)


def _is_part(part: object) -> bool:
    return part is None or (isinstance(part, (str, int, float)) and not isinstance(part, bool))


def _bad_cursor(problem: str = "is no cursor of this service") -> Problem:
    remedy = "send next_cursor of the page before, unchanged, or leave it out to begin anew"
    wrong = FieldProblem("?cursor", problem, remedy)
    detail = "The cursor cannot be read"
    return Problem(422, "Invalid request", detail, type="invalid-request", errors=[wrong])


async def page_params(
    limit: Annotated[
        int, Query(ge=1, le=LIMIT_MOST, description="Most items in the answer")
    ] = LIMIT_DEFAULT,
    cursor: Annotated[
        str | None,
        Query(max_length=CURSOR_LONGEST, description="next_cursor of the page before"),
    ] = None,
) -> PageParams:
    """Return the paging that a request asks for."""
    return PageParams(limit, decode_cursor(cursor) if cursor else None)


Page = Annotated[PageParams, Depends(page_params)]
"""Take it as a parameter: `async def list_courses(page: Page)`."""

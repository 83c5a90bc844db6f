"""Value types that the events share: identifiers, times, texts."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:\-]{0,63}$"
"""Opaque identifiers: no separator of ours (`|`), nothing a URL or a key path must escape."""

CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

Identifier = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
LearnerId = Identifier
CourseId = Identifier
RunId = Identifier
UnitId = Identifier
StateCode = Annotated[str, StringConstraints(pattern=r"^IN-[A-Z]{2}$")]
LANGUAGE_PATTERN = r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
Language = Annotated[str, StringConstraints(pattern=LANGUAGE_PATTERN)]
Percent = Annotated[float, Field(ge=0, le=100)]
MAX_SECONDS = 10 * 366 * 24 * 3600
"""Ten years: longer than any course, short enough that a broken clock shows."""

Seconds = Annotated[int, Field(ge=0, le=MAX_SECONDS)]


def to_utc_milliseconds(moment: datetime) -> datetime:
    """Return `moment` in UTC, cut to milliseconds.

    The store keeps no more, and a time that changes on its way through it would make equal
    facts differ.
    """
    try:
        moment = moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is out of range; send a time in the years 1 to 9999 of UTC") from error
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def printable(text: str) -> str:
    """Return `text`, or raise ValueError when it holds control characters."""
    if CONTROL_CHARACTERS.search(text):
        raise ValueError("holds a control character; send the text without it")
    return text


UtcTime = Annotated[AwareDatetime, AfterValidator(to_utc_milliseconds)]
"""RFC 3339 with an offset; kept in UTC with milliseconds."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(printable)]
Translations = Annotated[dict[Language, Text], Field(min_length=1)]
"""One text by language, for example `{"en": "Ethics", "hi": "नैतिकता"}`."""


class Model(BaseModel):
    """A frozen contract model. Unknown fields are ignored, so that readers outlive writers.

    The sentence under a field is its description in the published schema.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", allow_inf_nan=False, use_attribute_docstrings=True
    )

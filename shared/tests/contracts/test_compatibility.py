"""What may change in a published event and what may not."""

from typing import Annotated, ClassVar, Literal

import pytest
from pydantic import Field

from pravah_shared.contracts.compatibility import breaks
from pravah_shared.contracts.schemas import event_schema
from pravah_shared.events import EventData
from pravah_shared.events.types import Model


class Part(Model):
    """A nested part."""

    name: str
    weight: int = Field(default=1, ge=0)


class Base(EventData):
    """An event as it was published."""

    type: ClassVar[str] = "org.pravah.test.v1"
    topic: ClassVar[str] = "enrolled"

    learner_id: str
    count: int = Field(ge=0, le=10)
    origin: Literal["self", "admin"] = "self"
    note: str | None = None
    parts: tuple[Part, ...] = ()
    titles: dict[str, str] = Field(default_factory=dict)


class Removed(EventData):
    """Without `note`."""

    type: ClassVar[str] = Base.type
    learner_id: str
    count: int = Field(ge=0, le=10)
    origin: Literal["self", "admin"] = "self"
    parts: tuple[Part, ...] = ()
    titles: dict[str, str] = Field(default_factory=dict)


class Renamed(Removed):
    """`note` is `remark`."""

    remark: str | None = None


class Retyped(Base):
    """`learner_id` is a number."""

    learner_id: int  # type: ignore[assignment]  # the case


class NewlyRequired(Base):
    """A new field that must be given."""

    reason: str


class BecameRequired(Base):
    """`note` must be given."""

    note: str | None


class BecameOptional(Base):
    """`learner_id` may be left out."""

    learner_id: str = "nobody"


class Widened(Base):
    """Another origin, which older readers refuse."""

    origin: Literal["self", "admin", "plan"] = "self"  # type: ignore[assignment]  # the case


class Tightened(Base):
    """A lower limit, which refuses what older writers send."""

    count: int = Field(ge=0, le=5)


class OtherDefault(Base):
    """What is left out now means something else."""

    origin: Literal["self", "admin"] = "admin"


class NotNull(Base):
    """Null is no longer taken."""

    note: str = ""


class HeavyPart(Model):
    """A part that lost a field and gained a required one."""

    name: str
    grams: int


class NestedBreak(Base):
    """A break inside a list."""

    parts: tuple[HeavyPart, ...] = ()  # type: ignore[assignment]  # the case


class NumberedTitles(Base):
    """A break inside a mapping."""

    titles: dict[str, int] = Field(default_factory=dict)  # type: ignore[assignment]  # the case


BREAKS = [
    (Removed, "note: removed or renamed"),
    (Renamed, "note: removed or renamed"),
    (Retyped, "learner_id: type was 'string', is 'integer'"),
    (NewlyRequired, "reason: added as required"),
    (BecameRequired, "note: became required"),
    (BecameOptional, "learner_id: no longer required"),
    (Widened, "origin: enum was"),
    (Tightened, "count: maximum was 10, is 5"),
    (OtherDefault, "origin: default was 'self', is 'admin'"),
    (NotNull, "note"),
    (NestedBreak, "parts[].weight: removed or renamed"),
    (NestedBreak, "parts[].grams: added as required"),
    (NumberedTitles, "titles"),
]


@pytest.mark.parametrize(("changed", "said"), BREAKS)
def test_a_break_is_named(changed: type[EventData], said: str) -> None:
    """Each kind of break is found, by the path of the field it is in."""
    found = breaks(event_schema(Base), event_schema(changed))

    assert any(line.startswith(said) for line in found), found


class LongerPart(Part):
    """A part with one field more."""

    colour: Annotated[str | None, Field(description="In words.")] = None


class Grown(Base):
    """Other words, and fields that need not be given, also inside a list."""

    reason: str | None = None
    count: int = Field(ge=0, le=10, description="How often.")
    parts: tuple[LongerPart, ...] = ()


@pytest.mark.parametrize("changed", [Base, Grown])
def test_growth_is_no_break(changed: type[EventData]) -> None:
    """Fields with a default are added freely, words change freely."""
    assert breaks(event_schema(Base), event_schema(changed)) == []

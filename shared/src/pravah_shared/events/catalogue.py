"""Courses and programmes: the structure that decides what completion means."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from pravah_shared.events.envelope import EventData
from pravah_shared.events.types import (
    CourseId,
    Identifier,
    Language,
    Model,
    Percent,
    RunId,
    Seconds,
    Text,
    Translations,
    UnitId,
    UtcTime,
)


class Unit(Model):
    """A leaf item of a course. `pass_percent` absent on an assessment: handing in is enough."""

    unit_id: UnitId
    title: Translations
    kind: Literal["content", "assessment"]
    optional: bool = False
    seconds: Seconds | None = None
    pass_percent: Percent | None = None
    max_attempts: int | None = Field(default=None, ge=1)


class Module(Model):
    """A group of units, for roll-up. A unit may stand in several."""

    module_id: Identifier
    title: Translations
    unit_ids: tuple[UnitId, ...]


class Run(Model):
    """A dated offering of a course. `grace_seconds` lets offline devices hand in late."""

    run_id: RunId
    starts_at: UtcTime
    ends_at: UtcTime
    grace_seconds: Seconds = 0

    @model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise ValueError(f"run {self.run_id} ends before it starts; swap or mend its dates")
        return self


class ProgrammeCourse(Model):
    """A course of a programme."""

    course_id: CourseId
    optional: bool = False


class CertificateRule(Model):
    """A certificate that completing the course can earn."""

    name: Identifier
    template: Identifier = "default"
    min_score_percent: Percent | None = None


class Course(EventData):
    """A version of a course, as published on `learning.courses` (compacted)."""

    type: ClassVar[str] = "org.pravah.learning.course.v1"
    topic: ClassVar[str] = "courses"

    course_id: CourseId
    version: int = Field(ge=1)
    kind: Literal["course", "programme"] = "course"
    title: Translations
    provider: Text
    languages: tuple[Language, ...] = ("en",)
    units: tuple[Unit, ...] = ()
    modules: tuple[Module, ...] = ()
    runs: tuple[Run, ...] = ()
    courses: tuple[ProgrammeCourse, ...] = ()
    ordered: bool = False
    certificates: tuple[CertificateRule, ...] = ()
    competencies: tuple[Text, ...] = ()
    status: Literal["live", "retired"] = "live"
    retired_at: UtcTime | None = None
    """Since when it is retired: progress that came in later does not count."""

    @property
    def subject(self) -> str:
        """The course."""
        return self.course_id

    @property
    def identity(self) -> tuple[str, ...]:
        """One event per version."""
        return (self.course_id, str(self.version))

    @model_validator(mode="after")
    def _structure_holds(self) -> Self:
        for name, ids in (
            ("units", [unit.unit_id for unit in self.units]),
            ("modules", [module.module_id for module in self.modules]),
            ("runs", [run.run_id for run in self.runs]),
            ("certificates", [rule.name for rule in self.certificates]),
        ):
            if len(ids) != len(set(ids)):
                raise ValueError(f"{name} names an id twice; each id stands once")
        known = {unit.unit_id for unit in self.units}
        for module in self.modules:
            if missing := sorted(set(module.unit_ids) - known):
                raise ValueError(f"module {module.module_id} names unknown units {missing}")
        return self

"""The events of the contract (docs: contracts/). One class per type; the class is the schema."""

from pravah_shared.events.catalogue import (
    CertificateRule,
    Course,
    Module,
    ProgrammeCourse,
    Run,
    Unit,
)
from pravah_shared.events.certificates import Certified
from pravah_shared.events.enrollment import Enrolled, Origin, Withdrawn
from pravah_shared.events.envelope import Event, EventData, Position, derived_id, new_event
from pravah_shared.events.people import Person, PersonErased
from pravah_shared.events.progress import (
    IN_PROGRESS,
    PASSED,
    Attempt,
    Completed,
    Progressed,
    ScoreImproved,
    Started,
    UnitUpdate,
)

EVENT_TYPES: dict[str, type[EventData]] = {
    model.type: model
    for model in (
        Enrolled,
        Withdrawn,
        Course,
        Person,
        PersonErased,
        Progressed,
        Started,
        Completed,
        ScoreImproved,
        Certified,
    )
}
"""Every event type of the contract by its CloudEvents type."""

__all__ = [
    "EVENT_TYPES",
    "IN_PROGRESS",
    "PASSED",
    "Attempt",
    "CertificateRule",
    "Certified",
    "Completed",
    "Course",
    "Enrolled",
    "Event",
    "EventData",
    "Module",
    "Origin",
    "Person",
    "PersonErased",
    "Position",
    "ProgrammeCourse",
    "Progressed",
    "Run",
    "ScoreImproved",
    "Started",
    "Unit",
    "UnitUpdate",
    "Withdrawn",
    "derived_id",
    "new_event",
]

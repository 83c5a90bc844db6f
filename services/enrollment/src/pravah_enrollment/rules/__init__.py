"""Pure decisions: state and command in, writes and events out."""

from pravah_enrollment.rules.commands import business_time, check_course, next_course
from pravah_enrollment.rules.terms import complete, enroll, enrollment_id, withdraw

__all__ = [
    "business_time",
    "check_course",
    "complete",
    "enroll",
    "enrollment_id",
    "next_course",
    "withdraw",
]

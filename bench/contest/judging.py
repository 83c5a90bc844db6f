"""What a contestant announced, against what happened. Pure."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pravah_shared.record import Record


@dataclass(frozen=True, slots=True)
class Completion:
    """A completion as found on the topic. `value`: all that it says, to tell repeats apart."""

    enrollment_id: str
    completed_at: datetime
    value: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """Completions that are not as they must be, of so many that were due.

    `lost` are due and were never announced; `wrong` were announced and are not due, or at
    another time; `doubled` were announced again with other words; `repeated` again in the very
    same words, so that a reader can tell that it is the same one.
    """

    of: int
    lost: int = 0
    doubled: int = 0
    wrong: int = 0
    repeated: int = 0

    @property
    def faults(self) -> int:
        """What a reader cannot put right."""
        return self.lost + self.doubled + self.wrong

    def __str__(self) -> str:
        """Say it in a line."""
        faults = f"lost {self.lost}, doubled {self.doubled}, wrong {self.wrong}"
        return f"{faults} of {self.of:,}; repeated word for word {self.repeated}"


def completion_in(record: Record) -> Completion | None:
    """Return the completion that a record of `completed` holds; None: it is another event."""
    said = json.loads(record.value or b"{}")
    if "completed_at" not in said:
        return None
    at = datetime.fromisoformat(said["completed_at"])
    return Completion(said["enrollment_id"], at, record.value or b"")


def judge(expected: Mapping[str, datetime], found: Iterable[Completion]) -> Verdict:
    """Compare. `expected` says when each enrollment that is complete was completed."""
    by_enrollment: defaultdict[str, list[Completion]] = defaultdict(list)
    for completion in found:
        by_enrollment[completion.enrollment_id].append(completion)
    doubled = wrong = repeated = 0
    for enrollment_id, same in by_enrollment.items():
        due_at = expected.get(enrollment_id)
        wrong += sum(completion.completed_at != due_at for completion in same)
        alike = sum(completion.value == same[0].value for completion in same)
        repeated += alike - 1
        doubled += len(same) - alike
    lost = len(expected.keys() - by_enrollment.keys())
    return Verdict(len(expected), lost, doubled, wrong, repeated)

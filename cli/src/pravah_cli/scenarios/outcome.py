"""What came out of a scenario, counted from outside: topics, mails, inboxes.

Never from the services' own counters: a service that loses a certificate also forgets to
count it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from statistics import quantiles
from typing import Any

from pravah_cli.client import Client
from pravah_cli.local.mail.box import MailBox
from pravah_cli.scenarios.model import Enroll, LearnerCourse, Report, Scenario
from pravah_cli.scenarios.play import Sent
from pravah_shared import codec
from pravah_shared.events import Certified, Completed, Event
from pravah_shared.kafka.reader import TopicReader
from pravah_shared.record import Record

DEAD_LETTER_TOPICS = tuple(
    f"{service}.dead" for service in ("enrollment", "progress", "certificate", "notification")
)
TOPICS = ("completed", "certified", *DEAD_LETTER_TOPICS)


@dataclass(slots=True)
class Seen:
    """Effects seen so far. A set of ids per thing that must exist once."""

    completed: dict[LearnerCourse, set[str]] = field(default_factory=lambda: defaultdict(set))
    certified: dict[tuple[str, str, str], set[str]] = field(
        default_factory=lambda: defaultdict(set)
    )
    completed_at_ms: dict[LearnerCourse, int] = field(default_factory=dict)
    certified_after_seconds: list[float] = field(default_factory=list)
    verify_urls: dict[LearnerCourse, str] = field(default_factory=dict)
    dead_letters: int = 0
    mails: int = 0
    mail_ids: set[str] = field(default_factory=set)
    inbox_items: int = 0
    inbox_ids: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Summary:
    """The demo's and the feeds' last word (interfaces.md § Commands).

    `ok`: everything equals what the scenario knows must happen.
    """

    scenario: str
    enrolled: int
    progressed: int
    withdrawn: int
    withdrawals_refused: int
    completed: int
    certified: int
    delivered: int
    mails: int
    inbox_items: int
    duplicates: int
    dead_letters: int
    expected: dict[str, int]
    certified_after_p50_seconds: float | None
    certified_after_p99_seconds: float | None
    sample: dict[str, str]
    """A learner with a certificate, and where to verify it."""
    problems: list[str]
    ok: bool

    def as_json(self) -> dict[str, Any]:
        """Return a plain JSON object."""
        return asdict(self)


class Observer:
    """Watches the topics and the mail box for what belongs to one scenario."""

    def __init__(self, scenario: Scenario, reader: TopicReader, mails: MailBox) -> None:
        self.seen = Seen()
        self._scenario = scenario
        self._reader = reader
        self._mails = mails
        self._addresses = {str(learner["email"]) for learner in scenario.learners.values()}
        self._learners = scenario.learners.keys()
        self._mails_read = 0

    async def look(self, *, wait_seconds: float = 0.5) -> None:
        """Take in what is new on the topics and in the mail box."""
        for record in await self._reader.read(wait_seconds=wait_seconds):
            self._take(record)
        await asyncio.to_thread(self._look_at_mails)

    async def look_at_inboxes(self, client: Client) -> None:
        """Count every learner's in-app messages anew, as the learner would see them."""
        self.seen.inbox_items, self.seen.inbox_ids = 0, set()
        gate = asyncio.Semaphore(32)

        async def count(learner_id: str) -> None:
            async with gate:
                items = await client.inbox(learner_id)
            self.seen.inbox_items += len(items)
            self.seen.inbox_ids.update(item["message_id"] for item in items)

        async with asyncio.TaskGroup() as group:
            for learner_id in self._learners:
                group.create_task(count(learner_id))

    def _take(self, record: Record) -> None:
        if record.topic in DEAD_LETTER_TOPICS:
            self.seen.dead_letters += 1
            return
        event: Event[Any] = codec.decode(record)
        match event.data:
            case Completed(learner_id=learner_id, course_id=course_id) if (
                learner_id in self._learners
            ):
                self.seen.completed[learner_id, course_id].add(event.id)
                self.seen.completed_at_ms.setdefault((learner_id, course_id), record.timestamp_ms)
            case Certified() as certified if certified.learner_id in self._learners:
                key = (certified.learner_id, certified.course_id, certified.certificate_name)
                self.seen.certified[key].add(certified.certificate_id)
                self.seen.verify_urls[key[:2]] = certified.verify_url
                # Two topics are read side by side: the completion may not have been read yet,
                # and then this wait is not measured.
                if began := self.seen.completed_at_ms.get(key[:2]):
                    self.seen.certified_after_seconds.append((record.timestamp_ms - began) / 1000)
            case _:
                pass

    def _look_at_mails(self) -> None:
        mails = list(self._mails.all())
        for mail in mails[self._mails_read :]:
            if self._addresses.intersection(mail.recipients):
                self.seen.mails += 1
                self.seen.mail_ids.add(mail.message_id)
        self._mails_read = len(mails)


def expected(scenario: Scenario) -> dict[str, int]:
    """Return what must come of the scenario, by its own reckoning."""
    enrolled, completed = scenario.count(Enroll), len(scenario.completions)
    return {
        "enrolled": enrolled,
        "progressed": scenario.count(Report),
        "completed": completed,
        "certified": completed,
        # A mail and an inbox item for each enrollment and each certificate.
        "mails": enrolled + completed,
        "inbox_items": enrolled + completed,
        "delivered": 2 * (enrolled + completed),
        "duplicates": 0,
        "dead_letters": 0,
        **{f"published_{name}": figure for name, figure in scenario.published.items()},
    }


def _certified_after(seen: Seen) -> tuple[float | None, float | None]:
    """Return p50 and p99 of the seconds from a completion's record to its certificate's."""
    waits = seen.certified_after_seconds
    if len(waits) < 2:  # noqa: PLR2004 - quantiles need two
        return None, None
    cuts = quantiles(waits, n=100, method="inclusive")
    return round(cuts[49], 3), round(cuts[98], 3)


def _sample(seen: Seen) -> dict[str, str]:
    for (learner_id, course_id), url in seen.verify_urls.items():
        return {"learner_id": learner_id, "course_id": course_id, "verify_url": url}
    return {}


def summarise(scenario: Scenario, sent: Sent, seen: Seen) -> Summary:
    """Compare what was seen with what must be."""
    duplicates = (
        _beyond_one(seen.completed.values())
        + _beyond_one(seen.certified.values())
        + (seen.mails - len(seen.mail_ids))
        + (seen.inbox_items - len(seen.inbox_ids))
    )
    figures = {
        "enrolled": sent.enrolled,
        "progressed": sent.progressed,
        "completed": sum(map(len, seen.completed.values())),
        "certified": sum(map(len, seen.certified.values())),
        "delivered": seen.mails + seen.inbox_items,
        "mails": seen.mails,
        "inbox_items": seen.inbox_items,
        "duplicates": duplicates,
        "dead_letters": seen.dead_letters,
    }
    must = expected(scenario)
    problems = _problems(scenario, figures, must, sent, seen)
    p50, p99 = _certified_after(seen)
    return Summary(
        scenario=scenario.name,
        withdrawn=sent.withdrawn,
        withdrawals_refused=sent.withdrawals_refused,
        expected=must,
        certified_after_p50_seconds=p50,
        certified_after_p99_seconds=p99,
        sample=_sample(seen),
        problems=problems,
        ok=not problems,
        **figures,
    )


def _beyond_one(ids: Iterable[set[str]]) -> int:
    return sum(len(of_one) - 1 for of_one in ids)


def _problems(
    scenario: Scenario,
    figures: dict[str, int],
    must: dict[str, int],
    sent: Sent,
    seen: Seen,
) -> list[str]:
    """Say in words what does not add up."""
    said = [
        f"{name} is {figure}, must be {must[name]}"
        for name, figure in figures.items()
        if figure != must[name]
    ]
    completed = {key for key, ids in seen.completed.items() if ids}
    certified = {(learner, course) for (learner, course, _), ids in seen.certified.items() if ids}
    for name, keys in (("completed", completed), ("certified", certified)):
        if missing := sorted(scenario.completions - keys)[:3]:
            said.append(f"not {name}, for example {missing}")
        if extra := sorted(keys - scenario.completions)[:3]:
            said.append(f"{name} without cause, for example {extra}")
    if sent.withdrawals_refused != scenario.refused_withdrawals():
        said.append(
            f"{sent.withdrawals_refused} withdrawals were refused, "
            f"must be {scenario.refused_withdrawals()}"
        )
    said += [
        f"the data set itself states {name} {figure}, not {counted}"
        for name, figure in scenario.published.items()
        if figure != (counted := {**figures, **asdict(sent)}[name])
    ]
    return said

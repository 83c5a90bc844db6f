"""Completions, people and courses in; certified events out. Whoever arrives last issues.

The three topics are read by one handler and come in any order, from any worker. Each batch is
written first, then read back together with what it may have woken, then decided on; so of two
workers that hold one half each, at least one sees both. What a crash or a bound leaves over,
`sweep` finds in the store.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from pravah_certificate import announcement, rules
from pravah_certificate.credentials.issuer import Issuer, Occasion
from pravah_certificate.holders import NOBODY, Holder, read_holders
from pravah_certificate.model import Certificate, Completion, Course, Earned, Verdict
from pravah_certificate.ports import Certificates, Inputs, Keys
from pravah_shared.events import Event
from pravah_shared.processing.handler import Outcome
from pravah_shared.telemetry.logs import get_logger
from pravah_shared.telemetry.metrics import CERTIFICATES_ISSUED

log = get_logger()

STEP = 500
"""Completions decided together beyond those of the batch itself; the sweep takes the rest."""

COURSES_PER_SWEEP = 100


@dataclass(slots=True)
class CertificateStream:
    """Handler of the certificate service. `recheck_seconds`: how long a wait goes unseen."""

    inputs: Inputs
    certificates: Certificates
    keys: Keys
    issuer: Issuer
    clock: Callable[[], datetime]
    recheck_seconds: float
    step: int = STEP
    topics: frozenset[str] = frozenset({"completed", "people", "courses"})

    async def handle(self, batch: Sequence[Event[Any]]) -> Outcome:
        """Apply a batch and issue what it completes. Safe to repeat after any failure."""
        facts = rules.merge(batch)
        await self.inputs.save(facts, self.clock())
        await self.certificates.erase(facts.erased)
        # Write, then read: deciding on an earlier read lets two workers miss each other.
        completions = await self.inputs.completions([c.id for c in facts.completions])
        learners = {person.learner_id for person in facts.people}
        completions += await self.inputs.waiting_of(learners, self.step)
        courses = await self.inputs.courses([course.course_id for course in facts.courses])
        return await self._settle(completions, tuple(courses.values()))

    async def sweep(self) -> Outcome:
        """Decide and announce what no record will bring up again, in bounded steps."""
        # Here, not at start: a store that is away then must not keep the process from coming up.
        await self.inputs.prepare()
        await self.certificates.prepare()
        now = self.clock()
        unseen_since = now - timedelta(seconds=self.recheck_seconds)
        waiting = await self.inputs.take_waiting(unseen_since, now, self.step)
        courses = await self.inputs.unreconciled(COURSES_PER_SWEEP)
        settled = await self._settle(waiting, courses)
        late = await self.certificates.unannounced(unseen_since, self.step)
        announced = self._announce(late)
        full = self.step in (len(waiting), len(late)) or len(courses) == COURSES_PER_SWEEP
        return Outcome(
            [*settled.events, *announced.events],
            partial(all_of, (settled.acknowledge, announced.acknowledge)),
            more=settled.more or full,
        )

    async def _settle(self, found: Sequence[Completion], courses: Sequence[Course]) -> Outcome:
        """Judge completions, and those that these courses' versions have not judged yet."""
        behind = await self.inputs.behind(courses, self.step)
        completions = tuple({each.id: each for each in (*found, *behind)}.values())
        learners = {each.learner_id for each in completions}
        holders = await read_holders(self.inputs, self.keys, learners)
        known = await self.inputs.courses({each.course_id for each in completions})
        verdicts = [
            rules.decide(
                each,
                known.get(each.course_id),
                holders.get(each.learner_id, NOBODY).standing,
            )
            for each in completions
        ]
        # A worker may have issued and died before it saw the erasure; its batch comes back here.
        await self.certificates.erase({v.completion.learner_id for v in verdicts if v.erased})
        certificates = await self._issue(verdicts, known, holders)
        await self.inputs.record(verdicts)
        more = len(behind) == self.step
        if not more:
            await self.inputs.mark_reconciled(courses)
        return self._announce(certificates, more=more)

    async def _issue(
        self,
        verdicts: Sequence[Verdict],
        courses: Mapping[str, Course],
        holders: Mapping[str, Holder],
    ) -> list[Certificate]:
        """Fill the places that were earned; return who stands in them, whoever put it there."""
        earned = {
            place.key: (place, verdict.completion)
            for verdict in verdicts
            if verdict.state == "settled"
            for place in verdict.earned
        }
        standing = await self.certificates.find(earned.keys())
        missing = [each for key, each in earned.items() if key not in standing]
        fresh = self._sign(missing, courses, holders)
        inserted = await self.certificates.insert(tuple(fresh.values()))
        winners = await self.certificates.find(fresh.keys() - inserted)
        ours = await self._keep_from_erased([fresh[key] for key in fresh if key in inserted])
        log_issued(verdicts, ours)
        return [*standing.values(), *winners.values(), *ours]

    def _sign(
        self,
        earned: Sequence[tuple[Earned, Completion]],
        courses: Mapping[str, Course],
        holders: Mapping[str, Holder],
    ) -> Mapping[str, Certificate]:
        """Make the certificates that are missing, by key. No await: signatures cost CPU alone."""
        at = self.clock()
        made = {}
        for place, completion in earned:
            holder = holders[completion.learner_id]
            assert holder.key is not None  # readable, or the verdict would not be settled
            course = courses[completion.course_id]
            made[place.key] = self.issuer.issue(
                Occasion(place, completion, course, holder.name, holder.key, at)
            )
        return made

    async def _keep_from_erased(self, inserted: Sequence[Certificate]) -> list[Certificate]:
        """Take back what was issued while its learner was being erased; return the rest.

        Erasure writes the person, then erases the certificates it finds. Ours may have been
        inserted after that search, but then the person is erased by now.
        """
        people = await self.inputs.people({each.learner_id for each in inserted})
        erased = {learner_id for learner_id, person in people.items() if person.erased}
        await self.certificates.erase(erased)
        return [each for each in inserted if each.learner_id not in erased]

    def _announce(self, certificates: Sequence[Certificate], *, more: bool = False) -> Outcome:
        """Publish events that were stored before, then mark them; both bear repetition."""
        pending = [each for each in certificates if announcement.pending(each)]
        keys = [each.key for each in pending]
        return Outcome(
            [announcement.as_published(each.certified) for each in pending],
            partial(self.certificates.mark_announced, keys),
            more,
        )


async def all_of(acknowledgements: Sequence[Callable[[], Any]]) -> None:
    """Acknowledge each in turn."""
    for acknowledge in acknowledgements:
        await acknowledge()


def log_issued(verdicts: Sequence[Verdict], issued: Sequence[Certificate]) -> None:
    """Count and log what a step decided; one line, opaque ids only."""
    for certificate in issued:
        CERTIFICATES_ISSUED.labels(kind=certificate.kind).inc()
    if verdicts:
        waiting = sum(verdict.state == "waiting" for verdict in verdicts)
        log.info(
            "certificates.decided",
            completions=len(verdicts),
            issued=len(issued),
            waiting=waiting,
            first=verdicts[0].completion.id,
        )

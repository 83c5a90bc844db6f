"""What certificate and notification made of it: one of each, for each completion and channel."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from cohort import address_of

from faulting.facts import Document
from faulting.readings import Term
from faulting.testbed import Testbed
from faulting.verdict import Verdict, judged
from pravah_cli.local.mail.box import Mail
from pravah_shared.codec import decode
from pravah_shared.events import Certified
from pravah_shared.kafka.reader import TopicReader
from pravah_shared.mongo import Database

CHANNELS = ("email", "inapp")


@dataclass(frozen=True, slots=True)
class Downstream:
    """What stands at the end: certificates, what was certified, the ledger, the mails."""

    certificates: Sequence[Document]
    certified: Sequence[tuple[str, str, str]]
    """(learner_id, course_id, certificate_id) of each record on the topic."""
    ledger: Sequence[Document]
    mails: Sequence[Mail]

    @classmethod
    async def of(cls, bed: Testbed) -> "Downstream":
        """Read all of it."""
        return cls(
            await _all(bed, "certificate", "certificates"),
            await _certified(bed),
            await _all(bed, "notification", "ledger"),
            list(bed.platform.mail_box.all()),
        )

    def one_of_each(self, enrolled: set[Term], completed: set[Term]) -> Verdict:
        """One certificate and one message per completion and channel, and per enrollment."""
        due = {(learner, course) for learner, course, _ in completed}
        takers = {(learner, course) for learner, course, _ in enrolled}
        occasions = [("enrolled", *key) for key in takers] + [("certified", *key) for key in due]
        issued = Counter((one["learner_id"], one["course_id"]) for one in self.certificates)
        told = Counter((learner, course) for learner, course, _ in set(self.certified))
        problems = [
            *_exactly("certificate", issued, due),
            *_exactly("certified", told, due),
            *self._messages({(*what, channel) for what in occasions for channel in CHANNELS}),
            *self._mailed(len(occasions), {learner for _, learner, _ in occasions}),
        ]
        counts = {
            "completions": len(due),
            "certificates": len(self.certificates),
            "messages": len(self.ledger),
            "mails": len({mail.message_id for mail in self.mails}),
        }
        name = "one certificate and one message per completion and channel"
        return judged(name, counts, problems, looked_at="completions")

    def _messages(self, wanted: set[tuple[str, ...]]) -> list[str]:
        messages = Counter(
            (one["workflow"], one["learner_id"], one["course_id"], one["channel"])
            for one in self.ledger
        )
        unsent = [one for one in self.ledger if one["state"] != "sent"]
        return _exactly("message", messages, wanted) + [
            f"{one['_id']} is {one['state']}" for one in unsent
        ]

    def _mailed(self, wanted: int, learners: Iterable[str]) -> list[str]:
        addresses = {address_of(learner) for learner in learners}
        ours = {one.message_id for one in self.mails if addresses.intersection(one.recipients)}
        return [] if len(ours) == wanted else [f"{len(ours)} mails, must be {wanted}"]


def _exactly(what: str, found: Counter[Any], wanted: set[Any]) -> list[str]:
    return [
        *(f"{count} {what}s of {key}" for key, count in found.items() if count > 1),
        *(f"no {what} of {key}" for key in wanted - found.keys()),
        *(f"{what} of {key} without cause" for key in found.keys() - wanted),
    ]


async def _all(bed: Testbed, service: str, collection: str) -> list[Document]:
    platform = bed.platform
    uri = platform.settings.mongo_uri
    async with Database.connect(uri, f"{platform.name}_{service}") as database:
        return [*await database.collection(collection).find({})]


async def _certified(bed: Testbed) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    async with TopicReader(bed.platform.settings, ["certified"]) as reader:
        while not await reader.at_end():
            found += [
                (data.learner_id, data.course_id, data.certificate_id)
                for record in await reader.read(wait_seconds=0.1)
                if isinstance(data := decode(record).data, Certified)
            ]
    return found

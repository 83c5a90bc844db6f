"""Events, keys and an issuer as the tests need them. Times are fixed, keys are not."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from pravah_certificate.credentials.issuer import Issuer
from pravah_certificate.credentials.numbers import Numbers
from pravah_certificate.credentials.openbadge import IssuerProfile
from pravah_certificate.credentials.registry import Registry
from pravah_certificate.credentials.signer import LocalSigner, make_dev_key
from pravah_shared.events import (
    CertificateRule,
    Completed,
    Course,
    Event,
    Person,
    PersonErased,
    ScoreImproved,
    Started,
    new_event,
)
from pravah_shared.keys import LearnerKey, PersonalData, seal_person

NOON = datetime(2025, 2, 14, 12, tzinfo=UTC)
PARTICIPATION = CertificateRule(name="participation")
MERIT = CertificateRule(name="merit", min_score_percent=75)

SIGNING_KEY = make_dev_key()
REGISTRY = Registry.of([SIGNING_KEY])
ISSUER = Issuer(
    IssuerProfile("https://certificates.example", "Pravah"),
    LocalSigner([SIGNING_KEY]),
    SIGNING_KEY["kid"],
    Numbers(b"s" * 32),
)


class Clock:
    """A clock that stands still until told otherwise."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


class KeysInMemory:
    """The key store's promise: None for erased, absent for unknown."""

    def __init__(self) -> None:
        self.keys: dict[str, LearnerKey | None] = {}

    def create(self, learner_id: str) -> LearnerKey:
        """Return the learner's key."""
        key = LearnerKey(learner_id, f"key-{learner_id}", learner_id.encode().ljust(32, b"."))
        return self.keys.setdefault(learner_id, key) or key

    async def get_many(self, learner_ids: Iterable[str]) -> Mapping[str, LearnerKey | None]:
        """Return keys."""
        return {i: self.keys[i] for i in learner_ids if i in self.keys}


def completed(  # noqa: PLR0913 - what a completion can say
    learner_id: str = "asha",
    course_id: str = "ethics",
    *,
    term: int = 1,
    run_id: str | None = None,
    version: int = 1,
    score: float | None = None,
) -> Event[Completed]:
    """Return a completion."""
    return new_event(
        Completed(
            enrollment_id=f"e-{learner_id}-{course_id}-{term}",
            learner_id=learner_id,
            course_id=course_id,
            run_id=run_id,
            term=term,
            completed_at=NOON - timedelta(hours=term),
            course_version=version,
            score_percent=score,
            mdo_id="mdo-1",
            state_code="IN-BR",
        ),
        source="/pravah/progress",
        time=NOON,
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )


def started(learner_id: str = "asha") -> Event[Started]:
    """Return an event of the same topic that leads to no certificate."""
    return new_event(
        Started(
            enrollment_id="e", learner_id=learner_id, course_id="ethics", term=1, started_at=NOON
        ),
        source="/pravah/progress",
        time=NOON,
    )


def improved(learner_id: str = "asha") -> Event[ScoreImproved]:
    """Return another: a better score after the completion."""
    term = {"enrollment_id": "e", "learner_id": learner_id, "course_id": "ethics", "term": 1}
    better = ScoreImproved(**term, score_percent=90, at=NOON)
    return new_event(better, source="/pravah/progress", time=NOON)


def course(
    course_id: str = "ethics",
    version: int = 1,
    rules: tuple[CertificateRule, ...] = (PARTICIPATION,),
) -> Event[Course]:
    """Return a course version."""
    return new_event(
        Course(
            course_id=course_id,
            version=version,
            title={"en": "Ethics in Public Service", "hi": "लोक सेवा में नैतिकता"},
            provider="Institute of Public Administration",
            certificates=rules,
        ),
        source="/pravah/enrollment",
        time=NOON,
    )


def person(
    keys: KeysInMemory, learner_id: str = "asha", version: int = 1, name: str = "आशा देवी"
) -> Event[Person]:
    """Return a person, encrypted under the learner's key."""
    key = LearnerKey(learner_id, f"key-{learner_id}", learner_id.encode().ljust(32, b"."))
    keys.create(learner_id)
    return new_event(
        Person(
            learner_id=learner_id,
            version=version,
            ciphertext=seal_person(key, PersonalData(name=name)),
            key_id=key.key_id,
        ),
        source="/pravah/enrollment",
        time=NOON,
    )


def erased(learner_id: str = "asha") -> Event[PersonErased]:
    """Return the tombstone of a person."""
    return new_event(PersonErased(learner_id=learner_id), source="/pravah/enrollment", time=NOON)

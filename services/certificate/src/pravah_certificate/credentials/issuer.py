"""Turns an earned certificate into a signed, sealed, announced-to-be one. CPU only."""

from dataclasses import dataclass, field
from datetime import datetime

from pravah_certificate import announcement
from pravah_certificate.credentials import openbadge, vcjwt
from pravah_certificate.credentials.numbers import Numbers
from pravah_certificate.credentials.openbadge import Award, IssuerProfile
from pravah_certificate.credentials.signer import Signer
from pravah_certificate.model import Certificate, Completion, Course, Earned
from pravah_certificate.rules import FIRST_SEQUENCE
from pravah_shared.events import Certified
from pravah_shared.keys import LearnerKey, seal


@dataclass(frozen=True, slots=True)
class Occasion:
    """All that a certificate is made of: what was earned, by whom, with what, when it is issued."""

    earned: Earned
    completion: Completion
    course: Course
    holder_name: str = field(repr=False)
    holder_key: LearnerKey = field(repr=False)
    at: datetime


@dataclass(frozen=True, slots=True)
class Issuer:
    """Signs with one key, numbers with one secret, in one name."""

    profile: IssuerProfile
    signer: Signer
    signing_key_id: str
    numbers: Numbers

    def issue(self, occasion: Occasion) -> Certificate:
        """Return the certificate, its credential sealed under the learner's key."""
        completion, course = occasion.completion, occasion.course
        number = self.numbers.number(occasion.earned.key)
        verify_url = f"{self.profile.url}/verify/{number}"
        return Certificate(
            key=occasion.earned.key,
            certificate_id=number,
            name=occasion.earned.name,
            template=occasion.earned.template,
            kind=completion.kind,
            learner_id=completion.learner_id,
            course_id=completion.course_id,
            run_id=completion.run_id,
            sequence=FIRST_SEQUENCE,
            course_version=course.version,
            course_title=course.title,
            provider=course.provider,
            completed_at=completion.completed_at,
            issued_at=occasion.at,
            verify_url=verify_url,
            signing_key_id=self.signing_key_id,
            credential=seal(occasion.holder_key, self._signed(award(occasion, verify_url))),
            certified=certified(occasion, number, verify_url),
            mdo_id=completion.mdo_id,
            state_code=completion.state_code,
        )

    def _signed(self, award: Award) -> bytes:
        claims = openbadge.credential(award, self.profile, self.signing_key_id)
        return vcjwt.sign(claims, self.signer, self.signing_key_id).encode()


def award(occasion: Occasion, verify_url: str) -> Award:
    """Return what the credential says."""
    completion, course = occasion.completion, occasion.course
    return Award(
        holder_name=occasion.holder_name,
        learner_id=completion.learner_id,
        course_id=course.course_id,
        course_version=course.version,
        course_title=course.title,
        provider=course.provider,
        certificate_name=occasion.earned.name,
        kind=completion.kind,
        completed_at=completion.completed_at,
        issued_at=occasion.at,
        verify_url=verify_url,
    )


def certified(occasion: Occasion, number: str, verify_url: str) -> dict[str, object]:
    """Return the event that announces the certificate, as it is stored with it."""
    completion = occasion.completion
    return announcement.certified(
        Certified(
            certificate_id=number,
            certificate_name=occasion.earned.name,
            kind=completion.kind,
            learner_id=completion.learner_id,
            course_id=completion.course_id,
            run_id=completion.run_id,
            issued_at=occasion.at,
            verify_url=verify_url,
            mdo_id=completion.mdo_id,
            state_code=completion.state_code,
        ),
        time=occasion.at,
        traceparent=completion.traceparent,
    )

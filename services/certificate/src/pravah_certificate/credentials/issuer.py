"""Turns an earned certificate into a signed, sealed, announced-to-be one. CPU only."""

from dataclasses import dataclass
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
class Issuer:
    """Signs with one key, numbers with one secret, in one name."""

    profile: IssuerProfile
    signer: Signer
    signing_key_id: str
    numbers: Numbers

    def issue(  # noqa: PLR0913 - each is one fact of the certificate
        self,
        earned: Earned,
        completion: Completion,
        course: Course,
        *,
        name: str,
        key: LearnerKey,
        at: datetime,
    ) -> Certificate:
        """Return the certificate, its credential sealed under the learner's key."""
        number = self.numbers.number(earned.key)
        verify_url = f"{self.profile.url}/verify/{number}"
        award = Award(
            holder_name=name,
            learner_id=completion.learner_id,
            course_id=course.course_id,
            course_version=course.version,
            course_title=course.title,
            provider=course.provider,
            certificate_name=earned.name,
            kind=completion.kind,
            completed_at=completion.completed_at,
            issued_at=at,
            verify_url=verify_url,
        )
        claims = openbadge.credential(award, self.profile, self.signing_key_id)
        token = vcjwt.sign(claims, self.signer, self.signing_key_id)
        return Certificate(
            key=earned.key,
            certificate_id=number,
            name=earned.name,
            template=earned.template,
            kind=completion.kind,
            learner_id=completion.learner_id,
            course_id=completion.course_id,
            run_id=completion.run_id,
            sequence=FIRST_SEQUENCE,
            course_version=course.version,
            course_title=course.title,
            provider=course.provider,
            completed_at=completion.completed_at,
            issued_at=at,
            verify_url=verify_url,
            signing_key_id=self.signing_key_id,
            credential=seal(key, token.encode()),
            certified=announcement.certified(
                self._event(earned, completion, number, at, verify_url),
                time=at,
                traceparent=completion.traceparent,
            ),
            mdo_id=completion.mdo_id,
            state_code=completion.state_code,
        )

    @staticmethod
    def _event(
        earned: Earned, completion: Completion, number: str, at: datetime, verify_url: str
    ) -> Certified:
        return Certified(
            certificate_id=number,
            certificate_name=earned.name,
            kind=completion.kind,
            learner_id=completion.learner_id,
            course_id=completion.course_id,
            run_id=completion.run_id,
            issued_at=at,
            verify_url=verify_url,
            mdo_id=completion.mdo_id,
            state_code=completion.state_code,
        )

"""The claims of a certificate: Open Badges 3.0 `OpenBadgeCredential` on VC Data Model 2.0."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pravah_certificate.credentials.keyfile import is_dev
from pravah_shared.events import derived_id

CONTEXTS = (
    "https://www.w3.org/ns/credentials/v2",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
)

TEST_NOTICE = "TEST: signed with a development key. It certifies nothing."

DEFAULT_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class IssuerProfile:
    """Who issues. `url` is the base of our public addresses, without a trailing slash."""

    url: str
    name: str


@dataclass(frozen=True, slots=True)
class Award:
    """What a certificate says of one person. The name is as the person entered it."""

    holder_name: str
    learner_id: str
    course_id: str
    course_version: int
    course_title: Mapping[str, str]
    provider: str
    certificate_name: str
    kind: str
    completed_at: datetime
    issued_at: datetime
    verify_url: str


def credential(award: Award, issuer: IssuerProfile, key_id: str) -> dict[str, Any]:
    """Return the unsigned credential, JSON-ready. Equal inputs give equal claims."""
    said: dict[str, Any] = {
        "@context": list(CONTEXTS),
        "id": award.verify_url,
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": title(award.course_title),
        "issuer": {"id": issuer.url, "type": ["Profile"], "name": issuer.name, "url": issuer.url},
        "validFrom": rfc3339(award.issued_at),
        "awardedDate": rfc3339(award.completed_at),
        "credentialSubject": subject(award, issuer),
    }
    if is_dev(key_id):
        said["description"] = TEST_NOTICE
    return said


def subject(award: Award, issuer: IssuerProfile) -> dict[str, Any]:
    """Return who achieved what. The learner's id leaves only as a derived, stable URN."""
    return {
        "id": f"urn:uuid:{derived_id('certificate.subject', award.learner_id)}",
        "type": ["AchievementSubject"],
        "identifier": [
            {
                "type": "IdentityObject",
                "identityType": "name",
                "identityHash": award.holder_name,
                "hashed": False,
            }
        ],
        "achievement": achievement(award, issuer),
    }


def achievement(award: Award, issuer: IssuerProfile) -> dict[str, Any]:
    """Return the achievement: one per course version and certificate name."""
    course = f"{issuer.url}/achievements/{award.course_id}/{award.course_version}"
    name = title(award.course_title)
    return {
        "id": f"{course}/{award.certificate_name}",
        "type": ["Achievement"],
        "achievementType": "Certificate",
        "name": name,
        "description": f"{name}, by {award.provider}",
        # An id here keeps the graph free of blank nodes, whatever proof is added later.
        "criteria": {
            "id": f"{course}/{award.certificate_name}#criteria",
            "narrative": f"Completed every required unit of this {award.kind}.",
        },
        "creator": {"id": f"{course}#provider", "type": ["Profile"], "name": award.provider},
        "inLanguage": language(award.course_title),
    }


def holder_name(claims: Mapping[str, Any]) -> str:
    """Return the name that a credential of ours was issued to."""
    name: str = claims["credentialSubject"]["identifier"][0]["identityHash"]
    return name


def title(translations: Mapping[str, str]) -> str:
    """Return the course's title in the credential's language."""
    return translations[language(translations)]


def language(translations: Mapping[str, str]) -> str:
    """Return English where there is a text, else the first language given."""
    return DEFAULT_LANGUAGE if DEFAULT_LANGUAGE in translations else next(iter(translations))


def rfc3339(moment: datetime) -> str:
    """Return a UTC time to the second, as VC Data Model 2.0 § 4.9 shows it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

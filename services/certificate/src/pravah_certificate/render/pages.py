"""The verify page: what a verification found, in the reader's language."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from jinja2 import Environment, PackageLoader, StrictUndefined

from pravah_certificate.credentials.numbers import grouped
from pravah_certificate.verification import Verification
from pravah_shared.locales import locale_for, preferred_languages

PACKAGE = "pravah_certificate.render"
LANGUAGES = ("en", "hi")
"""Languages with a file in texts/; the order of the links on the page."""

INDIA = ZoneInfo("Asia/Kolkata")
"""Days on certificates are days in India."""


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """A page and the Content-Security-Policy under which it works."""

    html: str
    language: str
    policy: str


class Pages:
    """Renders pages. Built once; rendering is pure."""

    def __init__(self, issuer_name: str) -> None:
        self._issuer_name = issuer_name
        self._style = read("templates/verify.css")
        environment = Environment(
            loader=PackageLoader(PACKAGE),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._verify = environment.get_template("verify.html")

    def verify(self, found: Verification, accepted: str | None) -> RenderedPage:
        """Render what was found for a reader with that Accept-Language."""
        language = locale_for(preferred_languages(accepted or ""), LANGUAGES)
        html = self._verify.render(
            found=found,
            language=language,
            languages=LANGUAGES,
            number=grouped(found.certificate_id[:LONGEST_SHOWN]),
            text=texts(language),
            names={each: texts(each)["language"] for each in LANGUAGES},
            day=lambda moment: day(moment, language),
            title=title(found, language),
            issuer=found.signed.issuer if found.signed else self._issuer_name,
            style=self._style,
        )
        return RenderedPage(html, language, policy(self._style))


LONGEST_SHOWN = 40
"""Of a number that somebody typed; a longer one is no number of ours."""


def title(found: Verification, language: str) -> str:
    """Return the course's title in the reader's language, else as it was signed."""
    if found.record is None:
        return ""
    translations = found.record.course_title
    fallback = found.signed.course_title if found.signed else next(iter(translations.values()))
    return translations.get(language, fallback)


def day(moment: datetime, language: str) -> str:
    """Return the day of a moment, as the language writes it."""
    return format_date(moment.astimezone(INDIA), format="long", locale=f"{language}_IN")


def policy(style: str) -> str:
    """Return a policy that lets the page's own style in and nothing else, no script at all."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


@cache
def texts(language: str) -> Mapping[str, Any]:
    """Return the texts of a language."""
    found: Mapping[str, Any] = json.loads(read(f"texts/{language}.json"))
    return found


def read(path: str) -> str:
    """Read a file of this package."""
    return files(PACKAGE).joinpath(path).read_text("utf-8")

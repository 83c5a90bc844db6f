"""Rendering: one sandboxed environment per locale, each template compiled once in it.

Undefined variables are errors. HTML sources escape all that they are given; text sources
escape nothing, and what they give is never used as HTML. Safe to share between tasks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from babel.dates import format_date
from jinja2 import PackageLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pravah_notification.model import Occasion
from pravah_shared.errors import PravahError
from pravah_shared.locales import LOCALES, locale_for, text_in, translations

RIGHT_TO_LEFT = frozenset({"ar", "fa", "ks", "sd", "ur"})
"""Locales written so."""

INDIA = timezone(timedelta(hours=5, minutes=30))
"""For a learner whose time zone this machine does not know: Asia/Kolkata has no clock changes."""


class RenderFailed(PravahError):  # noqa: N818 - the field's word
    """A template and the facts do not fit. Ours to mend: the message names the template."""


@dataclass(frozen=True, slots=True)
class MailText:
    """The words of a mail. `title` is one line."""

    locale: str
    title: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class InboxText:
    """The words of an inbox message, plain text. `link` is an http(s) URL or None."""

    locale: str
    title: str
    body: str
    link: str | None
    link_text: str | None


class Renderer:
    """Turns occasions into words."""

    def __init__(self) -> None:
        self._environments = {locale: _environment(locale) for locale in LOCALES}

    def mail(
        self, occasion: Occasion, titles: Mapping[str, str], reader: "Reader", name: str
    ) -> MailText:
        """Write the mail about `occasion`; `titles` is the course's title by language.

        Raises:
            RenderFailed: a template names what the facts do not hold.
        """
        locale = locale_for([reader.language])
        facts = _facts(occasion, titles, reader) | {"name": name}
        workflow = occasion.workflow
        return MailText(
            locale,
            self._line(locale, f"{workflow}.title.txt", facts),
            self._render(locale, f"{workflow}.mail.txt", facts),
            self._render(locale, f"{workflow}.mail.html", facts),
        )

    def inbox(self, occasion: Occasion, titles: Mapping[str, str], reader: "Reader") -> InboxText:
        """Write the inbox message about `occasion`. Raises as `mail`."""
        locale = locale_for([reader.language])
        facts = _facts(occasion, titles, reader)
        link = http_url(occasion.verify_url)
        return InboxText(
            locale,
            self._line(locale, f"{occasion.workflow}.title.txt", facts),
            self._line(locale, f"{occasion.workflow}.inbox.txt", facts),
            link,
            self._line(locale, "link.txt", facts) if link else None,
        )

    def page(self, name: str, language: str, facts: Mapping[str, object]) -> str:
        """Write an HTML page. Raises as `mail`."""
        locale = locale_for([language])
        return self._render(locale, name, {"locale": locale, "dir": direction(locale), **facts})

    def _line(self, locale: str, name: str, facts: Mapping[str, object]) -> str:
        return " ".join(self._render(locale, name, facts).split())

    def _render(self, locale: str, name: str, facts: Mapping[str, object]) -> str:
        try:
            return self._environments[locale].get_template(name).render(facts)
        except TemplateError as error:
            raise RenderFailed(f"template {name} ({locale}): {error.message}") from error


@dataclass(frozen=True, slots=True)
class Reader:
    """How a learner reads: language and time zone (IANA name)."""

    language: str = "en"
    time_zone: str = "Asia/Kolkata"

    def day(self, moment: datetime) -> date:
        """Return the day that `moment` falls on where the learner is."""
        return moment.astimezone(_zone(self.time_zone)).date()


def direction(locale: str) -> str:
    """Return the writing direction as HTML's `dir` names it."""
    return "rtl" if locale in RIGHT_TO_LEFT else "ltr"


def http_url(url: str | None) -> str | None:
    """Return `url` if it may stand in a link. A `javascript:` URL would run in the reader's page.

    Raises:
        RenderFailed: it is no http(s) URL.
    """
    if url is not None and not url.startswith(("https://", "http://")):
        raise RenderFailed(f"refusing to link to {url[:40]!r}: not an http(s) URL")
    return url


def _facts(occasion: Occasion, titles: Mapping[str, str], reader: Reader) -> dict[str, object]:
    locale = locale_for([reader.language])
    return {
        "locale": locale,
        "dir": direction(locale),
        "course": text_in(titles, [reader.language]),
        "date": format_date(reader.day(occasion.at), format="long", locale=locale),
        "certificate_id": occasion.certificate_id,
        "verify_url": http_url(occasion.verify_url),
    }


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):  # unknown here, or not a name at all
        return INDIA


def _environment(locale: str) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=PackageLoader(__package__, "sources"),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        auto_reload=False,
        cache_size=-1,  # all of them, for ever: there are a few dozen
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_translations(  # type: ignore[attr-defined]  # added by the extension
        translations(__package__, locale), newstyle=True
    )
    return environment

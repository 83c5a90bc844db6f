"""What learners read, in both languages."""

import re
from importlib.resources import files
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2.ext import babel_extract
from notification_facts import NOW, occasion

from pravah_cli.testing.translating import translation_faults
from pravah_notification.model import Workflow
from pravah_notification.templates import InboxText, MailText, Renderer, RenderFailed
from pravah_notification.templates.render import Reader
from pravah_shared.locales import LOCALES, SOURCE_LOCALE

SOURCES = files("pravah_notification.templates") / "sources"
TITLES = {"en": "Ethics & Integrity", "hi": "नैतिकता और सत्यनिष्ठा"}
RENDERER = Renderer()


def mail(workflow: Workflow, language: str, name: str = "Asha") -> MailText:
    """The mail to a learner of that language."""
    return RENDERER.mail(occasion(workflow), TITLES, Reader(language), name)


@pytest.mark.parametrize("workflow", ["enrolled", "certified"])
@pytest.mark.parametrize("language", LOCALES)
def test_each_mail_names_learner_and_course(workflow: Workflow, language: str) -> None:
    """In the text and in the HTML part, with the title in the learner's language."""
    written = mail(workflow, language)
    assert written.title.endswith(TITLES[language])
    for part in (written.text, written.html):
        assert "Asha" in part
    assert TITLES[language] in written.text
    assert TITLES[language].replace("&", "&amp;") in written.html


def test_a_certificate_mail_links_to_its_verify_page_in_both_parts() -> None:
    """The link is the reason for the mail."""
    written = mail("certified", "en")
    assert "https://learn.example/verify/0190-AB" in written.text
    assert 'href="https://learn.example/verify/0190-AB"' in written.html


def test_hindi_is_hindi() -> None:
    """Dates, greeting and button."""
    written = mail("certified", "hi-IN")
    assert "14 फ़रवरी 2025" in written.text
    assert "प्रमाणपत्र देखें" in written.html
    assert 'lang="hi"' in written.html


def test_a_day_is_the_day_where_the_learner_is() -> None:
    """14 February 20:00 UTC is the 15th in India."""
    late = Reader("en", "Asia/Kolkata").day(NOW.replace(hour=20))
    assert late.isoformat() == "2025-02-15"


def test_an_unknown_time_zone_is_indias() -> None:
    """Wrong by hours at most; no mail is lost for it."""
    assert Reader("en", "Mars/Olympus").day(NOW.replace(hour=20)).isoformat() == "2025-02-15"


@given(name=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60))
def test_html_holds_no_markup_that_a_name_brings(name: str) -> None:
    """The name stands escaped: the number of tags is that of any other name."""
    tags = re.compile("<[a-zA-Z!/]")
    written = mail("enrolled", "en", name + "<script>alert(1)</script>")
    assert "<script" not in written.html
    assert len(tags.findall(written.html)) == len(tags.findall(mail("enrolled", "en").html))


def test_a_placeholder_in_a_name_stays_text() -> None:
    """Neither gettext's nor Jinja's."""
    assert "%(course)s {{ 7*7 }} %s" in mail("enrolled", "hi", "%(course)s {{ 7*7 }} %s").text


def test_a_title_with_a_line_break_stays_one_line() -> None:
    """It becomes a Subject."""
    written = RENDERER.mail(occasion(), {"en": "A\r\nBcc: x@y"}, Reader(), "Asha")
    assert written.title == "Your certificate: A Bcc: x@y"


def test_a_link_that_is_no_web_address_is_refused() -> None:
    """A javascript: link would run in the reader's page."""
    broken = occasion().__class__(
        **{
            **{name: getattr(occasion(), name) for name in occasion().__slots__},
            "verify_url": "javascript:alert(1)",
        }
    )
    with pytest.raises(RenderFailed, match="not an http"):
        RENDERER.inbox(broken, TITLES, Reader())


def test_a_missing_variable_is_an_error_that_names_the_template() -> None:
    """Found here, not at night."""
    with pytest.raises(RenderFailed, match=r"inbox\.html"):
        RENDERER.page("inbox.html", "en", {})


def test_templates_are_compiled_once_for_each_locale() -> None:
    """Compiling costs a hundred times rendering."""
    mail("enrolled", "hi")
    environment = RENDERER._environments["hi"]
    assert environment.get_template("enrolled.mail.html") is environment.get_template(
        "enrolled.mail.html"
    )


def test_inbox_messages_are_plain_text_with_a_link() -> None:
    """The page sets them as text; nothing is escaped twice."""
    assert RENDERER.inbox(occasion(), TITLES, Reader("en")) == InboxText(
        locale="en",
        title="Your certificate: Ethics & Integrity",
        body="Issued on February 14, 2025. Congratulations!",
        link="https://learn.example/verify/0190-AB",
        link_text="View certificate",
    )


def msgids() -> set[str]:
    """Every text of the templates that is to be translated."""
    options = {"extensions": "jinja2.ext.i18n", "trimmed": "true", "newstyle_gettext": "true"}
    found = (
        message
        for source in SOURCES.iterdir()
        for _, _, message, _ in babel_extract(
            BytesIO(source.read_bytes()), ("_", "gettext"), (), options
        )
    )
    # With variables it is a tuple: the text, then None for each of them.
    return {message[0] if isinstance(message, tuple) else message for message in found}  # type: ignore[misc]


@pytest.mark.parametrize("locale", [locale for locale in LOCALES if locale != SOURCE_LOCALE])
def test_every_text_is_translated_with_its_placeholders(locale: str) -> None:
    """No English in a Hindi mail, no placeholder lost, no translation left over."""
    assert translation_faults("pravah_notification.templates", locale, msgids()) == []

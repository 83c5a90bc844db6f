"""Verification: the signature decides, and a stranger learns no more than needed."""

import json
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser

import pytest
from certificate_samples import completed, course, erased
from certificate_service import Service, serving

from pravah_certificate.render.pages import LANGUAGES, texts
from pravah_shared.keys import seal
from pravah_shared.mongo import Database, UpdateOne

pytestmark = pytest.mark.stack

JSON = {"Accept": "application/json"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture
async def service(database: Database) -> AsyncIterator[Service]:
    """Yield the service."""
    async with serving(database) as running:
        yield running


@pytest.fixture
async def number(service: Service) -> str:
    """Return the number of the certificate that asha holds."""
    events = await service.bring(course(), await service.person(), completed())
    issued: str = events[0].data.certificate_id
    return issued


async def test_a_good_certificate_is_valid(service: Service, number: str) -> None:
    """As JSON: what the signature covers, and nothing else of the person."""
    answer = await service.client.get(f"/verify/{number}", headers=JSON)
    assert answer.json() == {
        "certificate_id": number,
        "state": "valid",
        "test": True,
        "holder_name": "आशा देवी",
        "course_title": "Ethics in Public Service",
        "provider": "Institute of Public Administration",
        "issuer": "Pravah",
        "completed_at": "2025-02-14T11:00:00Z",
        "issued_at": "2025-02-14T12:00:00Z",
    }
    assert answer.headers["cache-control"] == "no-store"


async def test_a_number_may_be_typed_as_it_is_printed(service: Service, number: str) -> None:
    """Lower case, in groups, with spaces."""
    typed = "-".join(re.findall("....", number.lower()))
    answer = await service.client.get(f"/verify/{typed}%20", headers=JSON)
    assert answer.json()["state"] == "valid"


@pytest.mark.parametrize(
    "wanted", ["ABCDEFGHIJKLMNOP", "1", "%F0%9F%99%82", "%3Cscript%3E", "a" * 3000]
)
async def test_an_unknown_number_is_a_page_with_404(service: Service, wanted: str) -> None:
    """Whatever was typed, people get a page and programs a problem; nothing is echoed raw."""
    page = await service.client.get(f"/verify/{wanted}", headers=BROWSER)
    assert page.status_code == 404
    assert texts("en")["states"]["unknown"]["heading"] in page.text
    assert "<script" not in page.text.lower()
    told = await service.client.get(f"/verify/{wanted}", headers=JSON)
    assert (told.status_code, told.headers["content-type"]) == (404, "application/problem+json")


async def test_an_erased_certificate_says_so_without_the_name(
    service: Service, number: str
) -> None:
    """At once when the key is destroyed, and after the tombstone came."""
    await service.keys.erase("asha")
    for step in ("key destroyed", "tombstone handled"):
        told = (await service.client.get(f"/verify/{number}", headers=JSON)).json()
        page = await service.client.get(f"/verify/{number}", headers=BROWSER)
        assert (told["state"], told["holder_name"]) == ("erased", None), step
        assert "आशा" not in page.text, step
        assert page.status_code == 200, step
        await service.bring(erased())


async def swap_credential(database: Database, number: str, sealed: str) -> None:
    """Put another credential into a certificate's document, as an intruder would."""
    changed = {"$set": {"credential": sealed}}
    certificates = database.collection("certificates")
    assert await certificates.bulk([UpdateOne({"certificate_id": number}, changed)]) == 1


async def test_a_tampered_store_is_noticed(
    service: Service, number: str, database: Database
) -> None:
    """Neither a stranger's bytes nor another good certificate pass in this place."""
    events = await service.bring(await service.person("ravi"), completed("ravi"))
    other = events[0].data.certificate_id
    credential = await service.client.get(
        f"/v1/certificates/{other}", headers={"Accept": "application/vc+jwt"} | service.headers()
    )
    key = await service.keys.create("asha")
    for sealed in (seal(key, b"not.a.token"), seal(key, credential.content), "no ciphertext"):
        await swap_credential(database, number, sealed)
        told = (await service.client.get(f"/verify/{number}", headers=JSON)).json()
        assert (told["state"], told["holder_name"]) == ("not_genuine", None)
        page = await service.client.get(f"/verify/{number}", headers=BROWSER)
        assert texts("en")["states"]["not_genuine"]["heading"] in page.text
        assert "Ethics" not in page.text


async def test_a_lost_key_is_not_called_an_erasure(
    service: Service, number: str, database: Database
) -> None:
    """The key store that forgot a learner is a fault of ours: 503, never a false answer."""
    async with serving(database) as restarted:  # with nothing cached
        await database.collection("keys").delete_one({"_id": "asha"})
        answer = await restarted.client.get(f"/verify/{number}", headers=JSON)
    assert answer.status_code == 503


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("hi-IN,hi;q=0.9,en;q=0.8", "hi"),
        ("ta-IN, hi;q=0.5, en;q=0.4", "hi"),
        ("fr", "en"),
        ("", "en"),
        ("hi;q=0, en", "en"),
        ("*;q=x, ;;, hi;q=0.1", "hi"),
    ],
)
async def test_the_page_speaks_the_readers_language(
    service: Service, number: str, accepted: str, language: str
) -> None:
    """By Accept-Language; the course's title too, beside the title as signed."""
    page = await service.client.get(
        f"/verify/{number}", headers=BROWSER | {"Accept-Language": accepted}
    )
    assert page.headers["content-language"] == language
    assert f'<html lang="{language}"' in page.text
    assert texts(language)["states"]["valid"]["heading"] in page.text
    assert ("लोक सेवा में नैतिकता" in page.text) == (language == "hi")
    assert "Ethics in Public Service" in page.text


async def test_a_link_on_the_page_chooses_the_language(service: Service, number: str) -> None:
    """Without JavaScript or a cookie."""
    page = await service.client.get(
        f"/verify/{number}?lang=hi", headers=BROWSER | {"Accept-Language": "en"}
    )
    assert page.headers["content-language"] == "hi"


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x>', "{{ 7*7 }}"])
async def test_a_name_is_text_on_the_page(service: Service, name: str) -> None:
    """Shown as it was entered, never run."""
    events = await service.bring(course(), await service.person(name=name), completed())
    page = await service.client.get(f"/verify/{events[0].data.certificate_id}", headers=BROWSER)
    assert name in Shown.of(page.text)
    assert not re.search("<script|<img", page.text)


async def test_the_page_runs_under_a_policy_without_scripts(service: Service, number: str) -> None:
    """Nothing is loaded from anywhere; only the page's own style applies."""
    page = await service.client.get(f"/verify/{number}", headers=BROWSER)
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script" not in page.text
    assert not re.search(r"(src|href)=\"(https?:)?//", page.text)


async def test_neither_page_nor_json_is_406(service: Service, number: str) -> None:
    """A client that wants a picture learns what there is."""
    answer = await service.client.get(f"/verify/{number}", headers={"Accept": "image/png"})
    assert answer.status_code == 406


def test_the_languages_say_the_same_things() -> None:
    """Every language has every text."""

    def shape(value: object) -> object:
        return {k: shape(v) for k, v in value.items()} if isinstance(value, dict) else "text"

    shapes = {json.dumps(shape(texts(each)), sort_keys=True) for each in LANGUAGES}
    assert len(shapes) == 1


class Shown(HTMLParser):
    """Collects the text that a reader sees."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def handle_data(self, data: str) -> None:
        """Collect."""
        self.seen.append(data)

    @classmethod
    def of(cls, html: str) -> str:
        """Return the text of a page."""
        parser = cls()
        parser.feed(html)
        return "".join(parser.seen)

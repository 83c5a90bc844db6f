"""The quick reader and the contract say the same of every body."""

import json
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from pravah_progress.api import reading
from pravah_progress.api.bodies import Report
from pravah_progress.api.reading import Reported, is_text, read, read_batch, time_text
from pravah_shared.events import Attempt, UnitUpdate

from .bodies_made import MANGLED, ODD_TIMES, PLAIN, attempt, bodies, report, update


def contract(body: bytes) -> Report | None:
    """Return what the route's own model makes of a body, as FastAPI asks it."""
    try:
        return Report.model_validate(json.loads(body))
    except (ValidationError, ValueError, RecursionError):
        return None


def said(reported: Reported) -> dict[str, Any]:
    """Return what a report says, as the contract would read its words."""
    return Report.model_validate_json(msgspec.json.encode(reported), strict=True).model_dump()


def disagreement(body: bytes) -> str | None:
    """Return where the quick reader and the contract part; None: nowhere."""
    quick, model = (read(body) if is_text(body) else None), contract(body)
    if quick is None:
        return None  # the contract is asked
    if model is None:
        return f"read, but not of the contract: {body!r}"
    return None if said(quick) == model.model_dump() else f"read as {quick}, not as {model}"


@settings(max_examples=500)
@given(bodies())
def test_what_is_read_is_what_the_contract_reads(body: bytes) -> None:
    """The same bodies, the same values; what is not sure is left to the contract."""
    assert disagreement(body) is None


@pytest.mark.parametrize("body", MANGLED)
def test_what_is_no_report_is_not_read(body: bytes) -> None:
    """Broken JSON, other encodings, nonsense: for the contract to refuse."""
    assert disagreement(body) is None


@given(bodies(PLAIN))
def test_plain_bodies_need_no_contract(body: bytes) -> None:
    """The quick way is taken by what clients send."""
    assert read(body) is not None


@given(bodies())
def test_the_contracts_reading_is_kept(body: bytes) -> None:
    """What the contract has read says the same once it is turned into what ingest works with."""
    if (model := contract(body)) is not None:
        assert said(reading.of(model)) == model.model_dump()


@pytest.mark.parametrize(
    ("check", "wrong"),
    [
        ("_is_id", {"device_id": "phone|1"}),
        ("_is_language", {"updates": [update(language="HI")]}),
        ("_is_plain_time", {"updates": [update(at="2024-W40-2T00:00:00Z")]}),
        ("_is_plain_time", {"updates": [update(at="2023-02-29T09:00:00Z")]}),
        ("_is_submission", {"attempts": [attempt(score=81, max_score=80)]}),
        ("_holds", {"updates": []}),
    ],
)
def test_each_check_is_needed(check: str, wrong: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it a body is read that the contract refuses; and the comparison finds that."""
    body = json.dumps(report(**wrong)).encode()
    assert disagreement(body) is None
    monkeypatch.setattr(reading, check, lambda _: True)
    assert disagreement(body) is not None


@pytest.mark.parametrize(
    ("quick", "model"),
    [(Reported, Report), (reading.Update, UnitUpdate), (reading.Submission, Attempt)],
)
def test_no_field_of_the_contract_is_forgotten(quick: Any, model: Any) -> None:
    """A field that is added there is added here."""
    names = {field.name for field in msgspec.structs.fields(quick)}
    assert names == set(model.model_fields)


@pytest.mark.parametrize("text", [one for one in ODD_TIMES if isinstance(one, str)])
def test_times_are_written_as_they_are_read(text: str) -> None:
    """A plain time stays, whatever the contract understands becomes one."""
    try:
        at = UnitUpdate(unit_id="u", status=1, at=text).at
    except ValidationError:
        return
    assert reading._is_plain_time(time_text(at))
    assert datetime.fromisoformat(time_text(at)) == at


def test_a_batch_is_read_report_by_report() -> None:
    """The contract judges those it must; the others do not wait for it."""
    plain = report()
    spelled = json.loads(json.dumps(plain).replace("09:00:00Z", "14:30:00+05:30"))
    body = json.dumps(
        {"reports": [plain, spelled, "none", {**plain, "learner_id": "a|b"}]}
    ).encode()
    found = read_batch(body)
    assert found is not None
    assert found[0] == found[1]
    assert [isinstance(one, ValidationError) for one in found] == [False, False, True, True]


@pytest.mark.parametrize(
    "body", [b"{}", b'{"reports": []}', b'{"reports": [1}', b'{"reports": [01]}', b"[1]"]
)
def test_what_is_no_batch_is_left_to_the_contract(body: bytes) -> None:
    """As a whole: none of it is taken here."""
    assert read_batch(body) is None


def test_a_batch_has_its_limit() -> None:
    """One more than a thousand is for the contract to refuse."""
    assert read_batch(b'{"reports": [' + b",".join([b"1"] * 1000) + b"]}") is not None
    assert read_batch(b'{"reports": [' + b",".join([b"1"] * 1001) + b"]}") is None

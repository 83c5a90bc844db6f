"""Bodies as clients might send them: plain ones, and ones that are odd in all ways we know of."""

import json
from typing import Any

from hypothesis import strategies as st

IDS = ["asha", "learner-000001", "a.b:c_d-1", "A" * 64]
ODD_IDS = [*IDS, "", "a|b", "a\n", "é", "A" * 65, "-a", 1, None, True, "\u0967"]
TIMES = ["2024-10-01T09:00:00Z", "2024-02-29T23:59:59.999Z", "2024-10-01T09:00:00.000Z"]
ODD_TIMES = [
    *TIMES,
    *("2024-10-01T09:00:00+05:30", "2024-10-01T09:00:00-00:00", "2024-10-01T09:00:00.1234567Z"),
    *("2024-10-01 09:00:00Z", "2024-10-01t09:00:00z", "2024-10-01T09:00Z", "2024-10-01T09:00:00"),
    *("2024-W40-2T00:00:00Z", "20241001T000000.000Z", "2024-10-01T09:00:00,000Z", "2024-10-01"),
    *("2023-02-29T00:00:00Z", "2024-10-01T24:00:00Z", "2024-10-01T09:00:60Z", "tomorrow", ""),
    *("0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"),
    *("2024-10-01T09:00:00+24:00", "२०२४-10-01T09:00:00Z", "2024-10-01T09:00:00\u00b5Z"),
    *(0, 1727773200.5, "1727773200", None, True),
]  # fmt: skip
ODD_NUMBERS = [
    0,
    1,
    2,
    3,
    -1,
    1.0,
    60.5,
    1e300,
    1e308,
    10**400,
    "60",
    "x",
    None,
    True,
    False,
    [],
    -0.0,
]
LANGUAGES = ["hi", "en-IN", "mai"]
ODD_LANGUAGES = [*LANGUAGES, "HI", "hi_IN", "hi\n", "", None, 5]

ABSENT = object()


def _object(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[Any]:
    made = st.fixed_dictionaries(required, optional=optional)
    return made.map(lambda one: {name: given for name, given in one.items() if given is not ABSENT})


def _reports(odd: bool) -> st.SearchStrategy[Any]:  # noqa: FBT001 - one of two worlds
    def pick(plain: list[Any], strange: list[Any]) -> st.SearchStrategy[Any]:
        if not odd:
            return st.sampled_from(plain)
        return st.one_of(*[st.sampled_from(plain)] * 6, st.sampled_from([*strange, ABSENT]))

    ids, times = pick(IDS, ODD_IDS), pick(TIMES, ODD_TIMES)
    update = _object(
        {"unit_id": ids, "status": pick([1, 2], ODD_NUMBERS), "at": times},
        {
            "spent_seconds": pick([0, 60, 316_224_000], [*ODD_NUMBERS, 316_224_001]),
            "language": pick([*LANGUAGES, None], ODD_LANGUAGES),
            "client_version": st.sampled_from([1, "x", None, {"a": [1]}]),
        },
    )
    attempt = _object(
        {"unit_id": ids, "attempt_id": ids, "at": times},
        {
            "score": pick([0, 40, 66.6, None], ODD_NUMBERS),
            "max_score": pick([100, 66.6], ODD_NUMBERS),
        },
    )
    some = st.lists(update, max_size=3), st.lists(attempt, max_size=2)
    if not odd:
        some = st.lists(update, min_size=1, max_size=3), some[1]
    return _object(
        {"learner_id": ids, "course_id": ids},
        {
            "run_id": pick([*IDS, None], ODD_IDS),
            "device_id": pick([*IDS, None], ODD_IDS),
            "attempts": some[1]
            if not odd
            else st.one_of(some[1], pick([[]], [None, {}, "x", [1]])),
            "app": st.sampled_from(["1.0", "é", None]),
        }
        | ({} if not odd else {"updates": st.one_of(some[0], pick([[]], [None, {}, "x", [1]]))}),
    ).flatmap(lambda one: some[0].map(lambda updates: {"updates": updates} | one))


PLAIN: st.SearchStrategy[Any] = _reports(odd=False)
ODD: st.SearchStrategy[Any] = _reports(odd=True)


@st.composite
def bodies(draw: st.DrawFn, reports: st.SearchStrategy[Any] = ODD) -> bytes:
    """Return a report as JSON, in one of the ways in which JSON is written."""
    report = draw(reports)
    text = json.dumps(
        report, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 1]))
    )
    kind = draw(st.integers(0, 9))
    if kind == 0:  # said twice: the last counts
        text = text.replace("{", '{"learner_id": "twice", "status": 9, ', 1)
    if kind == 1:  # a name in escapes is the same name
        text = text.replace('"device_id"', '"device\\u005fid"').replace(
            '"unit_id"', '"unit\\u005fid"'
        )
    return text.encode("utf-8", "surrogatepass")


def update(**more: Any) -> dict[str, Any]:
    """Return an update."""
    return {"unit_id": "u", "status": 1, "at": "2024-10-01T09:00:00Z"} | more


def attempt(**more: Any) -> dict[str, Any]:
    """Return an attempt."""
    return {"unit_id": "u", "attempt_id": "a", "at": "2024-10-01T09:00:00Z"} | more


def report(**more: Any) -> dict[str, Any]:
    """Return a plain report."""
    return {"learner_id": "asha", "course_id": "c", "updates": [update()]} | more


def _with(more: bytes) -> bytes:
    return json.dumps(report()).encode().replace(b"{", b"{" + more + b",", 1)


MANGLED = [
    b"",
    b"null",
    b"[]",
    b"{",
    _with(b'"x": "\xff"'),
    _with(b'"x": NaN'),
    _with(b'"x": "\\ud800"'),
    _with(b'"learner_id": 5'),
    _with(b'"x": ' + b"[" * 5000 + b"]" * 5000),
    json.dumps(report(updates=[])).encode(),
    json.dumps(report(attempts=[attempt(score=7)])).replace("7", "1e999").encode(),
    json.dumps(report(attempts=[attempt(score=81, max_score=80)])).encode(),
    json.dumps(report()).encode("utf-16"),
]
"""Bodies that no generator of reports makes."""

"""The story of a learner's course across the services, out of what each of them tells.

Pure: `tell` takes the services' `/trace` answers and returns steps. The first step that did not
happen is what an operator looks at first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Trace = Mapping[str, Any]
Verdict = Literal["done", "missing", "unknown"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way, whether it happened, and what is known of it."""

    name: str
    verdict: Verdict
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """All steps in order; `first_missing` names what stands in the way, None if nothing does."""

    steps: tuple[Step, ...]

    @property
    def first_missing(self) -> Step | None:
        """Return the first step that did not happen, or cannot be known."""
        return next((step for step in self.steps if step.verdict != "done"), None)


def tell(traces: Mapping[str, Trace | None]) -> Story:
    """Put the answers together. `None`: that service did not answer."""
    tellers = (
        ("enrolled", "enrollment", _enrolled),
        ("progress", "progress", _progressed),
        ("completion", "progress", _completed),
        ("certificate", "certificate", _certified),
        ("messages", "notification", _notified),
    )
    steps = []
    for name, service, teller in tellers:
        trace = traces.get(service)
        if trace is None:
            steps.append(Step(name, "unknown", (f"{service} does not answer",)))
        else:
            happened, said = teller(trace)
            steps.append(Step(name, "done" if happened else "missing", tuple(said)))
    return Story(tuple(steps))


Told = tuple[bool, Sequence[str]]


def _enrolled(trace: Trace) -> Told:
    said = []
    if trace["learner"] != "known":
        said.append(f"the learner is {trace['learner']}; PUT /v1/learners/{{learner_id}}")
    if trace["course_version"] is None:
        said.append("there is no such course; PUT /v1/courses/{course_id}")
    if trace["unpublished_since"]:
        said.append(f"events wait for the relay since {trace['unpublished_since']}")
    terms = trace["enrollments"]
    said += [_term(term) for term in terms]
    if not terms and not said:
        said.append("never enrolled; POST /v1/enrollments")
    return any(term["status"] != "withdrawn" for term in terms), said


def _term(term: Trace) -> str:
    where = f" in run {term['run_id']}" if term["run_id"] else ""
    left = f", left {term['withdrawn_at']}" if term["withdrawn_at"] else ""
    return f"term {term['term']}{where}: {term['status']}, since {term['enrolled_at']}{left}"


def _progressed(trace: Trace) -> Told:
    progress = trace["progress"]
    if progress is None:
        return False, ["nothing was reported"]
    said = [
        f"term {term['term']}: {term['passed']} of {term['required']} required units passed"
        for term in progress["enrollments"]
    ]
    reported = [unit for facts in progress["reported"] for unit in facts["units"]]
    said.append(f"{len(reported)} units reported" if reported else "nothing was reported")
    return bool(reported), said


def _completed(trace: Trace) -> Told:
    explanation = trace["explanation"]
    reasons = list(explanation["reasons"])
    for enrollment in explanation["enrollments"]:
        reasons += enrollment["reasons"]
    said = [reason["text"] for reason in reasons]
    said += [
        f"missing: {line}"
        for enrollment in explanation["enrollments"]
        for line in _missing(enrollment["missing"])
    ]
    return explanation["completed"], said


def _missing(units: Sequence[Trace]) -> Iterator[str]:
    for unit in units:
        best = f", best {unit['best_percent']:g} %" if unit["best_percent"] is not None else ""
        mark = f", pass mark {unit['pass_percent']:g} %" if unit["pass_percent"] else ""
        yield f"{unit['title']} ({unit['state'].replace('_', ' ')}{best}{mark})"


def _certified(trace: Trace) -> Told:
    said = [
        f"{each['certificate_name']}: {each['state']} {each['issued_at']}, {each['verify_url']}"
        for each in trace["certificates"]
    ]
    for completion in trace["completions"]:
        if completion["waiting_for"]:
            said.append(f"waits for {', '.join(completion['waiting_for'])}")
        said += [f"not eligible: {dict(why)}" for why in completion["not_eligible"]]
    if not trace["completions"]:
        said.append("no completion has come")
    return bool(trace["certificates"]), said


def _notified(trace: Trace) -> Told:
    messages = trace["messages"]
    said = [
        f"{message['workflow']} by {message['channel']}: {message['state']}"
        + (f" ({message['reason']})" if message["reason"] else "")
        for message in messages
    ]
    delivered = bool(messages) and all(message["state"] == "sent" for message in messages)
    return delivered, said or ["none"]

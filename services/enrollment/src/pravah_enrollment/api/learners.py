"""Routes of learners: personal data in, sealed; out only to those who may see it."""

from typing import Annotated

from fastapi import APIRouter, Response

from pravah_enrollment.api.bodies import LearnerBody, LearnerView
from pravah_enrollment.api.parts import Parts, PartsOf
from pravah_enrollment.api.problems import erased, unknown
from pravah_enrollment.model import Learner, Rejected
from pravah_enrollment.store import until_won
from pravah_shared.events.types import LearnerId
from pravah_shared.http.identity import Principal, allow
from pravah_shared.keys import LearnerKey, open_person, seal_person

router = APIRouter(prefix="/v1/learners", tags=["learners"])

Writer = Annotated[Principal, allow("learner", "mdo_admin", "operator")]
Reader = Annotated[
    Principal, allow("learner", "mdo_admin", "operator", "system", scopes=["learners:read"])
]
Eraser = Annotated[Principal, allow("learner", "operator")]

CREATED = 201


@router.put("/{learner_id}", responses={CREATED: {"model": LearnerView}})
async def put_learner(
    who: Writer, learner_id: LearnerId, body: LearnerBody, parts: PartsOf, response: Response
) -> LearnerView:
    """Create a learner (201) or change them (200). The same again changes nothing.

    An mdo_admin writes learners of their own MDO. Learners write themselves, but not where they
    belong. 410: the id was erased.
    """

    async def attempt() -> Learner | None:
        stored = await parts.store.learners.get(learner_id)
        if stored is not None and stored.erased_at is not None:
            raise erased(learner_id)
        placement = _placement(who, learner_id, body, stored)
        key = await parts.keys.create(learner_id)
        if stored is not None and _same(stored, key, body, placement):
            return stored
        learner = _sealed(learner_id, stored, key, body, placement)
        response.status_code = CREATED if stored is None else 200
        return learner if await parts.store.learners.save(learner, parts.stamp()) else None

    learner = await until_won(learner_id, attempt)
    return LearnerView.of(learner, body.person)


@router.get("/{learner_id}")
async def get_learner(who: Reader, learner_id: LearnerId, parts: PartsOf) -> LearnerView:
    """Return a learner. 410: erased."""
    stored = await parts.store.learners.get(learner_id)
    who.must_manage(stored.mdo_id if stored else None, learner_id=learner_id)
    if stored is None:
        raise unknown(f"learner {learner_id}", f"PUT /v1/learners/{learner_id} creates one")
    key = (await parts.keys.get_many([learner_id])).get(learner_id)
    if stored.erased_at is not None or key is None:
        raise erased(learner_id)
    return LearnerView.of(stored, open_person(key, stored.ciphertext))


@router.delete("/{learner_id}", status_code=204)
async def erase_learner(_who: Eraser, learner_id: LearnerId, parts: PartsOf) -> None:
    """Erase a learner for ever. Safe to repeat.

    Their key is destroyed, so that no copy of their data can be read again anywhere (other
    processes forget the key within five minutes); our copy is removed, and a tombstone removes
    the one on the topic. What is interrupted is finished within a minute. Enrollments stay, under
    the opaque id.
    """
    if not await parts.eraser.erase(learner_id, parts.stamp()):
        raise unknown(f"learner {learner_id}", "nothing is stored under this id")


async def mdo_of(who: Principal, learner_id: str, parts: Parts) -> None:
    """Refuse (403) an mdo_admin of another MDO than this learner's."""
    if who.is_trusted or "mdo_admin" not in who.roles:
        return
    learner = await parts.store.learners.get(learner_id)
    who.must_manage(learner.mdo_id if learner else None, learner_id=learner_id)


Placement = tuple[str | None, str | None]
"""MDO and state."""


def _placement(
    who: Principal, learner_id: str, body: LearnerBody, stored: Learner | None
) -> Placement:
    """Return where the learner will belong.

    Raises:
        Problem: 403 for an mdo_admin who takes from or gives to another MDO.
        Rejected: a learner who moves themselves.
    """
    given = (body.mdo_id, body.state_code)
    if who.is_trusted:
        return given
    if "mdo_admin" in who.roles and not who.owns(learner_id):
        if stored is not None:
            who.must_manage(stored.mdo_id)
        who.must_manage(body.mdo_id)
        return given
    held = (stored.mdo_id, stored.state_code) if stored else (None, None)
    for name, wanted, kept in zip(("mdo_id", "state_code"), given, held, strict=True):
        if wanted is not None and wanted != kept:
            raise Rejected(name, "is set by an administrator", "leave it out; it stays as it is")
    return held


def _same(stored: Learner, key: LearnerKey, body: LearnerBody, placement: Placement) -> bool:
    known = open_person(key, stored.ciphertext)
    return known == body.person and placement == (stored.mdo_id, stored.state_code)


def _sealed(
    learner_id: str,
    stored: Learner | None,
    key: LearnerKey,
    body: LearnerBody,
    placement: Placement,
) -> Learner:
    return Learner(
        learner_id,
        1 if stored is None else stored.version + 1,
        seal_person(key, body.person),
        key.key_id,
        *placement,
    )

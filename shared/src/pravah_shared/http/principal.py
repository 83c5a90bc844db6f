"""Who asks, and whose data they may reach."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from pravah_shared.http.problems import Problem

Role = Literal["learner", "mdo_admin", "publisher", "operator", "system"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)


def forbidden(detail: str) -> Problem:
    """Return 403. `detail` names what is lacking, never whether the thing asked for exists."""
    return Problem(403, "Not allowed", detail, type="not-allowed")


@dataclass(frozen=True, slots=True)
class Principal:
    """The verified sender of a request.

    `subject` is the issuer's name of it, whatever it is; `learner_id` is set when it can own
    learning data. `mdo_id` is the ministry, department or organisation of an mdo_admin.
    """

    subject: str
    learner_id: str | None = None
    roles: frozenset[Role] = frozenset()
    mdo_id: str | None = None
    scopes: frozenset[str] = frozenset()

    @property
    def is_trusted(self) -> bool:
        """Whether it may act for any learner: an operator or another system."""
        return bool(self.roles & {"operator", "system"})

    def owns(self, learner_id: str) -> bool:
        """Whether this is the learner of that id."""
        return "learner" in self.roles and self.learner_id == learner_id

    def must_own(self, learner_id: str) -> None:
        """Refuse (403) a learner who asks for another learner's data.

        For ids in bodies; `allow` does it for `{learner_id}` in paths. An mdo_admin passes here
        and is checked by `must_manage`, once the learner's MDO is known.
        """
        if self.owns(learner_id) or self.is_trusted or "mdo_admin" in self.roles:
            return
        raise forbidden("This is another learner's; a learner reaches only their own data")

    def must_manage(self, mdo_id: str | None, *, learner_id: str | None = None) -> None:
        """Refuse (403) an mdo_admin of another MDO than the learner's; unknown (None) is refused.

        Call it wherever mdo_admin is allowed, with the MDO that the stored enrollment or learner
        names. With `learner_id`, an mdo_admin's own learning stays open to them. A mere learner
        passes: ownership is what binds them (`must_own`).
        """
        if self.is_trusted or "mdo_admin" not in self.roles:
            return
        if learner_id is not None and self.owns(learner_id):
            return
        if mdo_id is None or self.mdo_id is None or mdo_id != self.mdo_id:
            raise forbidden("This learner is not of your MDO; ask an administrator of theirs")

"""Who may call a route. Each route says so; docs/access.md and a test are made from what it says.

    @router.get("/v1/learners/{learner_id}/progress")
    async def progress(learner_id: LearnerId, who: Annotated[Principal, allow("learner", …)])

    @router.get("/verify/{certificate_id}", dependencies=[public()])

A route that declares nothing stops the process at its start (`access_matrix`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from fastapi import Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.routing import Mount

from pravah_shared.errors import ConfigurationError
from pravah_shared.http.principal import ROLES, Principal, Role, forbidden
from pravah_shared.http.tokens import TokenVerifier, unauthorized

if TYPE_CHECKING:
    from pravah_shared.http.pages import PageSessions

__all__ = [
    "ROLES",
    "AccessRow",
    "Allow",
    "Principal",
    "Public",
    "Role",
    "access_matrix",
    "allow",
    "authenticate",
    "public",
]

DOCS_FILES: Final = "docs-files"
"""Name of the one mount there is: the static files of /docs."""


@dataclass(frozen=True, slots=True)
class Public:
    """Marks a route that anybody may call."""

    async def __call__(self) -> None:
        """Let everybody pass."""


@dataclass(frozen=True, slots=True)
class Allow:
    """Lets principals pass by role; those of role system by all of `scopes`."""

    roles: frozenset[Role]
    scopes: frozenset[str]

    async def __call__(self, request: Request) -> Principal:
        """Return who asks, with those of their roles that this route takes.

        Raises:
            Problem: 401 without a good token, 403 for the wrong role, for lacking scopes, and for
                a learner on another learner's path (`{learner_id}`).
            IssuerUnavailable: whether the token is good is not known.
        """
        principal = self.acting(await authenticate(request))
        learner_id = request.path_params.get("learner_id")
        is_learner = principal.roles == {"learner"}
        if learner_id is not None and is_learner and not principal.owns(learner_id):
            raise forbidden("This is another learner's; a learner reaches only their own data")
        request.state.principal = principal
        return principal

    def acting(self, sender: Principal) -> Principal:
        """Return `sender` with those of their roles that this route takes.

        It sees no other: a system that lacks the scopes, or an operator where none is allowed,
        must not count as trusted because the sender is a learner besides.

        Raises:
            Problem: 403 for the wrong role and for lacking scopes.
        """
        roles = self._acting_roles(sender)
        return sender if roles == sender.roles else replace(sender, roles=roles)

    def _acting_roles(self, principal: Principal) -> frozenset[Role]:
        acting = principal.roles & self.roles
        if "system" in acting and not self.scopes <= principal.scopes:
            acting -= {"system"}
            if not acting:
                raise forbidden(f"A system needs the scopes {', '.join(sorted(self.scopes))}")
        if not acting:
            raise forbidden(f"This needs one of the roles {', '.join(sorted(self.roles))}")
        return acting


def allow(*roles: Role, scopes: Sequence[str] = ()) -> Any:
    """Declare who may call a route; stands in `Annotated[Principal, …]` of its first parameter.

    `scopes` are what a principal of role system must hold, all of them. A learner is held to
    `{learner_id}` of the path; for ids in bodies and for mdo_admin see `Principal`.
    """
    if ("system" in roles) != bool(scopes):
        raise ValueError("role system is allowed by scopes: give both or neither")
    return Depends(Allow(frozenset(roles), frozenset(scopes)))


def public() -> Any:
    """Declare that anybody may call a route: `dependencies=[public()]`."""
    return Depends(Public())


async def authenticate(request: Request) -> Principal:
    """Return who sends `request`, by bearer token, or in dev by a page's cookie."""
    header = request.headers.get("authorization")
    if header is None:
        sessions: PageSessions | None = getattr(request.app.state, "page_sessions", None)
        if sessions is not None:
            return await sessions.authenticate(request)
        raise unauthorized("Send an access token: Authorization: Bearer <token>")
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise unauthorized("Send the access token as Authorization: Bearer <token>")
    verifier: TokenVerifier = request.app.state.verifier
    return await verifier.principal(token.strip())


@dataclass(frozen=True, slots=True)
class AccessRow:
    """A row of the matrix. `access` tells who; see Allow and Public."""

    method: str
    path: str
    access: Allow | Public

    @property
    def is_public(self) -> bool:
        """Whether anybody may call it."""
        return isinstance(self.access, Public)

    def allows(self, role: Role) -> bool:
        """Whether some principal of `role` may call it."""
        return isinstance(self.access, Public) or role in self.access.roles


def access_matrix(app: FastAPI) -> list[AccessRow]:
    """Return who may call what, for every route of `app`, sorted by path.

    Raises:
        ConfigurationError: a route says nothing, or two things; it names the route.
    """
    rows = [row for context in iter_route_contexts(app.routes) for row in _rows(context)]
    return sorted(rows, key=lambda row: (row.path, row.method))


def _rows(context: RouteContext) -> Iterator[AccessRow]:
    if isinstance(context.original_route, Mount) and context.original_route.name == DOCS_FILES:
        return
    declared: set[Allow | Public] = set()
    if isinstance(context.original_route, APIRoute):
        declared = set(_declared(context.dependant))
    if len(declared) != 1:
        raise ConfigurationError(
            f"route {context.path} declares {len(declared)} kinds of access; give it either one "
            "allow(…) or public()"
        )
    (access,) = declared
    for method in sorted(context.methods or ()):
        yield AccessRow(method, str(context.path), access)


def _declared(dependant: Dependant) -> Iterator[Allow | Public]:
    if isinstance(dependant.call, (Allow, Public)):
        yield dependant.call
    for dependency in dependant.dependencies:
        yield from _declared(dependency)

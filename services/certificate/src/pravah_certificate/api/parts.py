"""What the routes work with; built by the composition root, opened with the application."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from pravah_certificate.credentials.registry import Registry
from pravah_certificate.render import Pages
from pravah_certificate.store import Certificates, Inputs
from pravah_certificate.verification import Verifier
from pravah_shared.http.health import ReadyCheck


@dataclass(frozen=True, slots=True)
class Parts:
    """The running parts of the API."""

    inputs: Inputs
    certificates: Certificates
    registry: Registry
    verifier: Verifier
    pages: Pages
    ready: ReadyCheck


async def parts_of(request: Request) -> Parts:
    """Return the parts of the application that serves `request`."""
    parts: Parts = request.app.state.parts
    return parts


PartsOf = Annotated[Parts, Depends(parts_of)]
"""Take it as a parameter of a route."""

"""OpenAPI documents of the services, found by entry point: shared code imports no service."""

from importlib.metadata import entry_points
from typing import Any

from pravah_shared.errors import ConfigurationError
from pravah_shared.kafka.table import SERVICES

GROUP = "pravah.openapi"
"""Entry points `<service> = "pravah_<service>.api:<function>"`; the function takes nothing and
returns the FastAPI app with all its routes, without connecting to anything."""


def documents() -> dict[str, dict[str, Any]]:
    """Return each service's OpenAPI document.

    Raises:
        ConfigurationError: a service is not installed, so its contract would go missing.
    """
    found = {point.name: point for point in entry_points(group=GROUP)}
    if missing := sorted(set(SERVICES) - found.keys()):
        raise ConfigurationError(
            f"no entry point {GROUP} of {', '.join(missing)}; run `make setup`, and see that the "
            "service's pyproject.toml names its app"
        )
    return {service: found[service].load()().openapi() for service in SERVICES}

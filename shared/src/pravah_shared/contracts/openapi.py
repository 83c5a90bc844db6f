"""The services' applications, found by entry point: shared code imports no service."""

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pravah_shared.errors import ConfigurationError
from pravah_shared.kafka.table import SERVICES

GROUP = "pravah.application"
"""Entry points `<service> = "pravah_<service>.__main__:document"` in each service's pyproject.toml.
The function takes nothing and returns the FastAPI app with all its routes, connected to nothing."""


def applications() -> dict[str, Any]:
    """Return each service's FastAPI application, for its documents.

    Raises:
        ConfigurationError: a service is not installed, so its contract would go missing.
    """
    found = {point.name: point for point in entry_points(group=GROUP)}
    if missing := sorted(set(SERVICES) - found.keys()):
        raise ConfigurationError(
            f"no entry point {GROUP} of {', '.join(missing)}; run `make setup`, and see that the "
            "service's pyproject.toml names its application"
        )
    return {service: _load(found[service]) for service in SERVICES}


def _load(point: EntryPoint) -> Any:
    try:
        application = point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"{point.name}'s pyproject.toml names {point.value}, which is not there: {error}"
        ) from error
    return application()

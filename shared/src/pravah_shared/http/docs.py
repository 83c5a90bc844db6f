"""/docs without any network but ours, and an OpenAPI document that tells errors and access."""

from importlib.resources import files
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from pravah_shared.http.identity import DOCS_FILES, AccessRow, Allow, access_matrix, public
from pravah_shared.http.problems import MEDIA_TYPE

FILES_PATH: Final = "/docs/files"

PROBLEM_SCHEMA: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "RFC 9457: what went wrong, and what to do.",
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "description": "urn:pravah:problem:<slug>, or about:blank"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "problem", "remedy"],
                "properties": {
                    "field": {"type": "string"},
                    "problem": {"type": "string"},
                    "remedy": {"type": "string"},
                },
            },
        },
        "trace_id": {"type": "string"},
    },
}
PROBLEM_ANSWER: Final[dict[str, Any]] = {
    "description": "Anything else: a problem document",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
BEARER: Final = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
UNUSED_SCHEMAS: Final = ("HTTPValidationError", "ValidationError")


def install(app: FastAPI) -> None:
    """Serve /docs and /openapi.json, both public."""
    static = files("fastapi_offline") / "static"  # Swagger UI as a package: ministries' networks
    app.mount(FILES_PATH, StaticFiles(directory=str(static)), name=DOCS_FILES)  # reach no CDN

    @app.get("/openapi.json", include_in_schema=False, dependencies=[public()])
    async def openapi() -> dict[str, Any]:
        """Return the OpenAPI document."""
        return app.openapi()

    @app.get("/docs", include_in_schema=False, dependencies=[public()])
    async def docs() -> HTMLResponse:
        """Return the page that lets one read and try the API."""
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=app.title,
            swagger_js_url=f"{FILES_PATH}/swagger-ui-bundle.js",
            swagger_css_url=f"{FILES_PATH}/swagger-ui.css",
            swagger_favicon_url=f"{FILES_PATH}/favicon.png",
        )


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document: FastAPI's own, with our problems and each route's access."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
    )
    components = document.setdefault("components", {})
    components["securitySchemes"] = {"bearer": BEARER}
    schemas = components.setdefault("schemas", {})
    for name in UNUSED_SCHEMAS:  # FastAPI's own form of errors, which we never send
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM_SCHEMA
    rows = {(row.path, row.method): row for row in access_matrix(app)}
    for path, operations in document.get("paths", {}).items():
        for method, operation in operations.items():
            _describe_operation(operation, rows[path, method.upper()])
    return document


def _describe_operation(operation: dict[str, Any], row: AccessRow) -> None:
    operation["responses"].pop("422", None)
    operation["responses"]["default"] = PROBLEM_ANSWER
    if isinstance(row.access, Allow):
        operation["security"] = [{"bearer": []}]
        operation["x-roles"] = sorted(row.access.roles)
        if row.access.scopes:
            operation["x-scopes"] = sorted(row.access.scopes)
    else:
        operation["security"] = []

"""What the issuer serves: its discovery document and its public key."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI

from pravah_cli.local.issuer.tokens import load_or_create_key


def create_app(issuer: str, state_dir: Path) -> FastAPI:
    """Build the issuer's HTTP application; makes the key if there is none."""
    key = load_or_create_key(state_dir)
    public = key.as_dict(private=False)
    app = FastAPI(title="Pravah dev issuer", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/.well-known/openid-configuration")
    async def discovery() -> dict[str, Any]:
        return {
            "issuer": issuer,
            "jwks_uri": f"{issuer}/jwks.json",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        }

    @app.get("/jwks.json")
    async def jwks() -> dict[str, Any]:
        return {"keys": [public]}

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app

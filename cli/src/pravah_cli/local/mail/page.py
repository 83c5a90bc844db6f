"""The HTTP side: the mails received, as a page for people and as JSON for programs."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse, HTMLResponse
from jinja2 import Environment, FileSystemLoader, select_autoescape

from pravah_cli.local.mail.box import Mail
from pravah_cli.local.mail.smtp import Keeper

LISTED = 200
POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; img-src data:"
"""No script runs and nothing is fetched, whatever a mail holds."""


def create_app(keeper: Keeper) -> FastAPI:
    """Build the application that shows what `keeper` has kept."""
    app = FastAPI(title="Pravah local mail", docs_url=None, redoc_url=None)
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "pages"), autoescape=select_autoescape()
    )

    def show(template: str, **said: Any) -> HTMLResponse:
        headers = {"content-security-policy": POLICY}
        return HTMLResponse(pages.get_template(template).render(**said), headers=headers)

    def known(number: int) -> Mail:
        if not 1 <= number <= len(keeper.mails):
            raise HTTPException(404, f"there is no mail {number}")
        return keeper.mails[number - 1]

    @app.get("/")
    def newest(to: str = "") -> HTMLResponse:
        mails = latest(keeper.mails, to, LISTED)
        return show("list.html", mails=mails, total=len(keeper.mails), to=to)

    @app.get("/mails.json")
    def listing(to: str = "", limit: int = LISTED) -> dict[str, Any]:
        mails = [asdict(mail) for mail in latest(keeper.mails, to, limit)]
        return {"total": len(keeper.mails), "mails": mails}

    @app.get("/mails/{number}")
    def one(number: int) -> HTMLResponse:
        mail = known(number)
        message = keeper.box.read(mail)
        html, text = message.get_body(("html",)), message.get_body(("plain",))
        return show(
            "mail.html",
            mail=mail,
            headers=message.items(),
            html=html.get_content() if html else "",
            text=text.get_content() if text else "",
        )

    @app.get("/mails/{number}/source")
    def source(number: int) -> FileResponse:
        return FileResponse(keeper.box.root / known(number).file, media_type="text/plain")

    @app.get("/healthz")
    def healthz() -> dict[str, Any]:
        return {"status": "ok", "mails": len(keeper.mails)}

    return app


def latest(mails: list[Mail], to: str, limit: int) -> list[Mail]:
    """Return the newest mails first, to one recipient if named."""
    if not to:
        return mails[-limit:][::-1] if limit > 0 else []
    return [mail for mail in reversed(mails) if to in mail.recipients][:limit]

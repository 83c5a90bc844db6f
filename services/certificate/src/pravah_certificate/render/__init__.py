"""Pages for people. Texts by language in `texts/`, the look in `templates/`; no script, no CDN."""

from pravah_certificate.render.pages import Pages, RenderedPage

__all__ = ["Pages", "RenderedPage"]

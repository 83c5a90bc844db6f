"""What learners read: Jinja2 sources in `sources/`, translations in `locales/` (gettext)."""

from pravah_notification.templates.render import InboxText, MailText, Renderer, RenderFailed

__all__ = ["InboxText", "MailText", "RenderFailed", "Renderer"]

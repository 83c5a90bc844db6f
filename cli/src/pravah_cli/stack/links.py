"""Where to look, once a stack is up."""

from pravah_cli.stack.config import StackConfig


def links(config: StackConfig) -> dict[str, str]:
    """Return pages to open, by what they show."""
    found = {
        "operators' page": "PRAVAH_OPERATORS_PORT",
        "mails received": "PRAVAH_MAIL_PAGE_PORT",
        "enrollment API": "PRAVAH_ENROLLMENT_API_PORT",
        "progress API": "PRAVAH_PROGRESS_API_PORT",
        "certificate API": "PRAVAH_CERTIFICATE_API_PORT",
        "notification API": "PRAVAH_NOTIFICATION_API_PORT",
    }
    if "mail" in config.given:
        del found["mails received"]
    return {
        title: f"http://127.0.0.1:{config.port(setting)}"
        + ("/docs" if title.endswith("API") else "/")
        for title, setting in found.items()
    }

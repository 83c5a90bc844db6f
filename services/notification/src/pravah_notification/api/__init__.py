"""HTTP in and out: learners' inboxes, operators' deliveries, a small page for people trying it."""

from pravah_notification.api.app import create_api
from pravah_notification.api.parts import Parts

__all__ = ["Parts", "create_api"]

"""Sends what the ledger holds. Each dispatcher process leases its own entries."""

from pravah_notification.dispatch.dispatcher import Dispatcher
from pravah_notification.dispatch.writer import MailWriter

__all__ = ["Dispatcher", "MailWriter"]

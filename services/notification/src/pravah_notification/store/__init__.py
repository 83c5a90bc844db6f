"""The service's collections: the ledger, the inbox view of it, people and courses."""

from pravah_notification.store.directory import Directory
from pravah_notification.store.inbox import Inbox, Place
from pravah_notification.store.ledger import Deliveries, Ledger

__all__ = ["Deliveries", "Directory", "Inbox", "Ledger", "Place"]

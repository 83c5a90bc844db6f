"""Messages to learners and systems."""

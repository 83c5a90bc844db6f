"""A mail server for demo and tests: takes any mail over SMTP and keeps it for reading."""

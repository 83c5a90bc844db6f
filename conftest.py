"""Fixtures of all tests: `stack` (the real parts) and `deployment` (a test's own names on it)."""

pytest_plugins = ["pravah_cli.testing.plugin"]

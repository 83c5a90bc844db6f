"""One module per command or group of commands. `pravah_cli.app` puts them together."""

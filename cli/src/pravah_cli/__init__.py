"""Pravah: the command."""

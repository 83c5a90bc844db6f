"""Certificates that anyone can verify."""

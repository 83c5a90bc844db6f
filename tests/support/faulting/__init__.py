"""The fault harness: breaks progress on purpose, then proves what must hold (docs/faults.md)."""

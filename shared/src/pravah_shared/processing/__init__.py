"""The processing loop: fetch, decode, handle, publish, acknowledge, commit."""

"""The processing loop: fetch, decode, handle, publish, acknowledge, commit."""

from pravah_shared.processing.handler import Handler, Outcome, nothing
from pravah_shared.processing.runner import Engine, Runner, build_runner

__all__ = ["Engine", "Handler", "Outcome", "Runner", "build_runner", "nothing"]

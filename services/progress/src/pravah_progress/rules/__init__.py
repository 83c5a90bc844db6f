"""Pure decisions: facts in, changes and announcements out. docs/progress-rules.md tells them.

No clock, no randomness, no I/O: what is decided depends on the document and the course alone.
"""

from pravah_progress.rules.deciding import decide
from pravah_progress.rules.explaining import explain
from pravah_progress.rules.merging import merge
from pravah_progress.rules.programmes import decide_programme, is_programme
from pravah_progress.rules.pruning import prune
from pravah_progress.rules.rollup import summary, view

__all__ = [
    "decide",
    "decide_programme",
    "explain",
    "is_programme",
    "merge",
    "prune",
    "summary",
    "view",
]

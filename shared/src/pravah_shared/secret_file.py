"""Secret files that a developer's machine makes at first use; production mounts its own."""

import os
import tempfile
from pathlib import Path


def create_once(path: Path, content: bytes) -> None:
    """Write a file whole, mode 0600, unless it is there already. Never overwrites.

    Of several processes that start together one wins, and all read its file.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # mkstemp gives 0600. The link makes name and content appear together: a reader can
    # never find half a key, and only one of two first starts can win.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError:
        pass  # another process was first; its secret is as good
    finally:
        Path(temporary).unlink()

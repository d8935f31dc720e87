"""Work that must not slow the page down, in a process of its own with the page's settings and a low priority."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from assistant.settings import PREFIX, Settings

# What an index is made with; a child needs no keys and no model.
SHARED = ("embedder_dir", "precision", "chunk_tokens", "token_dimensions", "threads", "chroma_url")
NICENESS = 10  # so that those who ask go first


def environment(settings: Settings) -> dict[str, str]:
    """The environment of a child that works on the same index."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)}
    kept.pop("OPENAI_API_KEY", None)
    kept[PREFIX + "HOME"] = str(settings.home.resolve())
    for name in SHARED:
        value = getattr(settings, name)
        if value is not None:
            kept[PREFIX + name.upper()] = str(value.resolve() if isinstance(value, Path) else value)
    kept["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(str(Path(place).resolve()) for place in sys.path))
    # One thread: numpy's and scikit-learn's add sums in another order with several, and would take the other cores.
    return {**kept, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


def start(
    module: str, arguments: Sequence[str], settings: Settings, *, stdout: IO[bytes] | int, stderr: IO[bytes] | int
) -> subprocess.Popen[bytes]:
    """Run ``python -m module arguments``."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], env=environment(settings), stdin=subprocess.DEVNULL,
        stdout=stdout, stderr=stderr, cwd=settings.home,  # where no .env says otherwise
    )
    if hasattr(os, "setpriority"):
        with contextlib.suppress(OSError):  # it may be over already
            os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
    return process

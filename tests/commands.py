"""The commands as users start them: each in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def run(*argv: str, cwd: Path, said: str | None = None, **named: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m`` to its end, with ``said`` on its standard input and more environment."""
    return subprocess.run(
        [sys.executable, "-m", *argv], cwd=cwd, env=_environment(named), input=said, capture_output=True, text=True,
        check=False,
    )


def started(*argv: str, cwd: Path) -> subprocess.Popen[str]:
    """Begin ``python -m`` in a process group of its own, which Ctrl-C reaches; its standard error is to be read."""
    return subprocess.Popen(
        [sys.executable, "-m", *argv], cwd=cwd, env=_environment({}), stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        # A shell has what it runs in the background ignore Ctrl-C, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def _environment(named: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **named}

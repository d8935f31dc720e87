"""The commands as users start them: each in a process of its own."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
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


def on_a_terminal(*argv: str, cwd: Path, columns: int, typed: str = "", **named: str) -> str:
    """What ``python -m`` writes to a terminal so wide, with what is typed, its line ends as a program writes them."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in _environment(named).items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-m", *argv], cwd=cwd, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    written = b""
    with contextlib.suppress(OSError):  # EIO: nobody has it open any more
        while block := os.read(ours, 65536):
            written += block
    os.close(ours)
    process.wait()
    return written.decode().replace("\r\n", "\n")


def _environment(named: dict[str, str]) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **named}

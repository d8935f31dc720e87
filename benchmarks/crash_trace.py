"""System calls of a command, by strace: which of them touch the index, and how to kill the command at one."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from crash_stage import PATIENCE_S, Options

CALLS = (
    "write,pwrite64,writev,pwritev,pwritev2,fsync,fdatasync,sync_file_range,msync,open,openat,creat,ftruncate,"
    "truncate,fallocate,rename,renameat,renameat2,unlink,unlinkat,rmdir,mkdir,mkdirat,link,linkat,symlink,symlinkat"
)
TRIES = 4  # at a kill whose place was not reached
ENTRY = re.compile(r"^\d+\s+(\w+)\((.*)")


@dataclass(frozen=True)
class Call:
    """A place to kill at: before the nth call of a name that one thread makes."""

    name: str
    n: int
    part: str  # of the index, which an undisturbed run touched there


def start(command: Sequence[str], home: Path, options: Options) -> subprocess.Popen[bytes]:
    """The command in a process group of its own."""
    return subprocess.Popen(
        command, cwd=options.work, env=options.environment(home), start_new_session=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill the whole group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def can_trace(options: Options) -> bool:
    """Whether strace is there and the system lets it trace."""
    if shutil.which("strace") is None:
        return False
    tried = subprocess.run(["strace", "-f", "-o", os.devnull, "true"], capture_output=True, cwd=options.work)
    return tried.returncode == 0


def traced(words: Sequence[str], home: Path, options: Options, *, call: Call | None = None) -> list[str]:
    """The calls of ``ingest`` with these words, a line each as strace has it; killed at ``call`` if one is given."""
    trace = home.with_suffix(".trace")
    which = ["-e", f"trace={CALLS}"] if call is None else [
        "-e", f"trace={call.name}", "-e", f"inject={call.name}:signal=SIGKILL:when={call.n}",
    ]
    command = ["strace", "-f", "-y", "-s", "0", "-o", str(trace), *which, *options.command("ingest", *words)]
    process = start(command, home, options)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=PATIENCE_S)
    end(process)
    lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
    trace.unlink()
    return lines


def first_hits(lines: Iterable[str]) -> list[Call]:
    """Of the calls that strace wrote down, those at which a thread is the first to make its nth of a name, and which
    touch the index; in order.
    """
    made: Counter[tuple[str, str]] = Counter()  # thread, name
    most: Counter[str] = Counter()
    calls = []
    for line in lines:
        found = ENTRY.match(line)
        if not found:
            continue
        name, rest = found.groups()
        thread = line.split(maxsplit=1)[0]
        made[thread, name] += 1
        if made[thread, name] > most[name]:
            most[name] += 1
            if part := part_of(rest):
                calls.append(Call(name, most[name], part))
    return calls


def part_of(arguments: str) -> str:
    """The part of the index that a call touches, "" for none; builds, segments and graphs have no numbers."""
    found = re.search(r"/index(?:/([^\">]*))?[\">]", arguments)
    if not found:
        return ""
    head, _, rest = (found[1] or "index folder").partition("/")
    head = re.sub(r"-\d+", "", head)
    if head == "lexical":
        return f"lexical {rest if rest.endswith('.json') else 'segments'}"
    if head == "chroma":
        return f"chroma {rest if rest.startswith('chroma') else 'graph'}"
    return head


def sample(calls: Sequence[Call], count: int, rng: random.Random) -> list[tuple[Call, ...]]:
    """Places spread over a run, each with others near it in case it is not reached; rare kinds weigh more."""
    if not calls:
        return []
    sizes = Counter((call.name, call.part) for call in calls)
    weights = [sizes[call.name, call.part] ** -0.5 for call in calls]
    ends = list(accumulate(weights))
    places = []
    for stratum in range(count):
        at = (stratum + rng.random()) / count * ends[-1]
        chosen = next((position for position, end in enumerate(ends) if end >= at), len(calls) - 1)
        places.append(tuple(calls[max(0, chosen - 3 * back)] for back in range(TRIES)))
    return places

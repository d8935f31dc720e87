"""Which models are fitted, by which command, and which would change if they were fitted again.

    python benchmarks/fit.py              # each model of weights.json with its command
    python benchmarks/fit.py routing      # fit it again: what would change by more than 1 %?
    python benchmarks/fit.py --all        # all of them; slow

Nothing is written: the commands' own ``--write`` does that. They read the index of ASSISTANT_HOME, made of seeds/.
"""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from assistant.weights.logistic import WEIGHTS, LogisticModel, models

ROOT = Path(__file__).resolve().parent.parent
TOLERANCE = 0.01  # of a coefficient, as a share of it
ROUNDING = 0.005  # older entries have two digits after the point


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="MODEL", help="models to fit again")
    parser.add_argument("--all", action="store_true", help="fit all of them again")
    arguments = parser.parse_args()
    names = list(models()) if arguments.all else arguments.names
    if unknown := set(names) - models().keys():
        parser.error(f"no model is called {', '.join(sorted(unknown))}; choose of {', '.join(models())}")
    if not names:
        for name, model in models().items():
            print(f"{name:17s} {model.fitted['by']}    on {model.fitted['on']}")
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copy(WEIGHTS, folder))
        for command in dict.fromkeys(models()[name].fitted["by"] for name in names):
            print(command, file=sys.stderr)
            _, *words = shlex.split(command)
            subprocess.run([sys.executable, *words, "--write", copy], cwd=ROOT, check=True, stdout=sys.stderr)
        entries = json.loads(copy.read_text("utf-8"))
    for name in names:
        changes = list(changed(models()[name], LogisticModel(**entries[name])))
        print(f"{name}: {', '.join(changes) or 'the same'}")


def changed(before: LogisticModel, after: LogisticModel) -> Iterator[str]:
    """Yield each number that differs by more than `TOLERANCE`, and by more than was rounded away."""
    old, new = ({**model.features, "bias": model.bias, **model.thresholds} for model in (before, after))
    for name in {**old, **new}:
        first, second = old.get(name, 0.0), new.get(name, 0.0)
        if abs(second - first) > max(TOLERANCE * abs(first), ROUNDING):
            yield f"{name} {first} -> {second}"


if __name__ == "__main__":
    main()

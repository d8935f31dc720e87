"""Whether an index survives kills, concurrent readers, corruption and a crowd: printed as tables; exit 1 if not.

    python benchmarks/crash.py [kills] [opens] [corruptions] [clients] [--quick] [--json] [--tree DIR]

kills        ``ingest`` killed at system calls (by strace) and at random moments, then asked, run again and compared
opens        an index opened again and again by four processes at once, also while it is being written to
corruptions  one file of the index damaged: ask and ingest say which command mends it, or nothing has changed
clients      many clients of one page for a minute

Without a name all four, in about 25 minutes on two cores; ``--quick`` takes two. Chance follows ``--seed``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from crash_clients import clients
from crash_corruptions import corruptions
from crash_kills import SCENARIOS, kills
from crash_opens import opens
from crash_stage import Options, Tally

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("kills", "opens", "corruptions", "clients")
QUICK = {"calls": 10, "moments": 5, "opens": 80, "corruptions": 8, "clients": 16, "seconds": 8, "papers": 20}


def main() -> int:
    options = parse()
    about = {"seed": options.seed, "papers": options.papers, "jobs": options.jobs, "tree": options.tree.name}
    if not options.json:
        print(", ".join(f"{name} {value}" for name, value in about.items()))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        work = Path(tempfile.mkdtemp(prefix="crash-")) if options.keep else Path(folder)
        shared = Options(options.tree, work, options.seed, options.papers, options.jobs, options.keep)
        tallies = []
        for part in options.parts or PARTS:
            began = time.perf_counter()
            tally = run(part, shared, options)
            tally.notes.append(f"{time.perf_counter() - began:.0f} s")
            tallies.append(tally)
            if not options.json:
                show(tally)
    if options.json:
        print(json.dumps({**about, "parts": [asdict(tally) for tally in tallies]}, ensure_ascii=False))
    return 1 if any(tally.failures for tally in tallies) else 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of: {', '.join(PARTS)} (default: all)")
    parser.add_argument("--calls", type=int, default=120, help="kills at system calls (default: 120)")
    parser.add_argument("--moments", type=int, default=60, help="kills at random moments (default: 60)")
    parser.add_argument("--scenarios", default=",".join(SCENARIOS), help="of the kills (default: all)")
    parser.add_argument("--opens", type=int, default=600, help="without a writer, and with one (default: 600)")
    parser.add_argument("--corruptions", type=int, default=60, help="(default: 60)")
    parser.add_argument("--clients", type=int, default=64, help="of the page (default: 64)")
    parser.add_argument("--seconds", type=int, default=60, help="for which they ask (default: 60)")
    parser.add_argument("--papers", type=int, default=40, help="in the index (default: 40)")
    parser.add_argument("--seed", type=int, default=1, help="of what is left to chance (default: 1)")
    parser.add_argument("--jobs", type=int, default=2, help="kills and corruptions at once (default: 2)")
    parser.add_argument("--tree", type=Path, default=ROOT, metavar="DIR", help="checkout to try (default: this one)")
    parser.add_argument("--quick", action="store_true", help="few of each")
    parser.add_argument("--json", action="store_true", help="print as JSON")
    parser.add_argument("--keep", action="store_true", help="keep the index folders of what failed")
    options = parser.parse_args()
    if wrong := set(options.parts) - set(PARTS):
        parser.error(f"no part is called {', '.join(sorted(wrong))}; there are {', '.join(PARTS)}")
    options.scenarios = options.scenarios.split(",")
    if wrong := set(options.scenarios) - SCENARIOS.keys():
        parser.error(f"no scenario is called {', '.join(sorted(wrong))}; there are {', '.join(SCENARIOS)}")
    options.tree = options.tree.resolve()
    if options.quick:
        for name, value in QUICK.items():
            if getattr(options, name) == parser.get_default(name):
                setattr(options, name, value)
    return options


def run(part: str, shared: Options, options: argparse.Namespace) -> Tally:
    """One part."""
    if part == "kills":
        return kills(shared, calls=options.calls, moments=options.moments, names=options.scenarios)
    if part == "opens":
        return opens(shared, options.opens)
    if part == "corruptions":
        return corruptions(shared, options.corruptions)
    return clients(shared, options.clients, options.seconds)


def show(tally: Tally) -> None:
    """Print what one part found."""
    print(f"\n## {tally.name} ({', '.join(tally.notes)})")
    for head, rows in tally.tables:
        print("\n| " + " | ".join(head) + " |\n|" + " --- |" * len(head))
        for row in rows:
            print("| " + " | ".join(cell.replace("\n", " ") for cell in row) + " |")
    print(f"\n{len(tally.failures)} failed" + (":" if tally.failures else ""))
    for line in tally.failures:
        print(f"- {' '.join(line.split())}")


if __name__ == "__main__":
    sys.exit(main())

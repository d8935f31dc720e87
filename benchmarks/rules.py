"""How much of the product is rules about wording: patterns, their alternatives, and words in lists, by package.

    python benchmarks/rules.py [--tree DIR] [--json]

A pattern is a string given to a function of `re`; its alternatives are what stands between its bars. A list is a
display of at least three texts, or a text that is split into words. Learnt weights and their annotated examples are
none.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("assistant", "ingest")
LEAST = 3  # texts in a display that is a list of words
OF_RE = frozenset(("compile", "search", "match", "fullmatch", "finditer", "findall", "split", "sub", "subn"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=Path, default=ROOT, help="checkout to count in (default: this one)")
    parser.add_argument("--json", action="store_true", help="print as JSON")
    options = parser.parse_args()
    counts = {package: Counter(found) for package, found in counted(options.tree).items()}
    total: Counter[str] = sum(counts.values(), Counter())
    if options.json:
        print(json.dumps({**{name: dict(count) for name, count in counts.items()}, "all": dict(total)}))
        return
    print(f"{'package':34s} {'patterns':>8s} {'alternatives':>12s} {'words':>6s}")
    for name, count in (*sorted(counts.items()), ("all", total)):
        print(f"{name:34s} {count['patterns']:8d} {count['alternatives']:12d} {count['words']:6d}")


def counted(tree: Path) -> dict[str, Counter[str]]:
    """Return package -> patterns, alternatives and words of its files."""
    counts: dict[str, Counter[str]] = {}
    for top in PACKAGES:
        for path in sorted((tree / top).rglob("*.py")):
            package = path.relative_to(tree).parent.as_posix()
            counts.setdefault(package, Counter()).update(rules(path.read_text("utf-8")))
    return counts


def rules(source: str) -> Counter[str]:
    """Return the patterns, alternatives and words of one file.

    >>> rules('import re\\nX = re.compile("a|b|c")\\nY = ("one", "two", "three")\\nZ = "four five".split()')
    Counter({'words': 5, 'alternatives': 3, 'patterns': 1})
    """
    count: Counter[str] = Counter()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            of = node.func.value
            if isinstance(of, ast.Name) and of.id == "re" and node.func.attr in OF_RE and node.args:
                count["patterns"] += 1
                count["alternatives"] += 1 + sum(len(re.findall(r"(?<!\\)\|", text)) for text in texts(node.args[0]))
            elif isinstance(of, ast.Constant) and isinstance(of.value, str) and node.func.attr == "split":
                count["words"] += len(of.value.split())
        elif isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict):
            parts = node.keys if isinstance(node, ast.Dict) else node.elts
            words = [part for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
            count["words"] += len(words) if len(words) >= LEAST else 0
    return count


def texts(node: ast.AST) -> Iterator[str]:
    """Yield the texts that a pattern is put together from."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


if __name__ == "__main__":
    main()

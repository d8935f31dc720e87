"""What holds of the code as a whole: no file is part of a circle of imports, and few stand loose."""

from __future__ import annotations

from graphlib import TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parent.parent
LOOSE = {  # the front door, the nouns, the ways to fail, every knob; and names by which programs import what moved
    "__init__", "api", "chat", "closing", "dialogue", "errors", "records", "settings",
}


def test_no_file_imports_itself_round_a_circle() -> None:
    graph = grimp.build_graph("assistant", "ingest", cache_dir=None)  # imports inside functions and for types included
    arrows = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}

    order = list(TopologicalSorter(arrows).static_order())  # a circle raises CycleError, which names it

    assert len(order) == len(graph.modules) > 200


def test_what_stands_loose_in_the_package_is_its_front_door() -> None:
    assert {path.stem for path in (ROOT / "assistant").glob("*.py")} == LOOSE

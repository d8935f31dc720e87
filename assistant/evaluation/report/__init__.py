"""Reports people look at and programs read: ``report.html``, ``.md`` and ``.json``, and the same of comparisons.

All three are written, or none: each is made whole before the first takes the place of an older one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from assistant.errors import AssistantError
from assistant.evaluation.compare import Comparison
from assistant.evaluation.evaluation import Evaluation
from assistant.evaluation.report.comparison_page import comparison_page
from assistant.evaluation.report.evaluation_page import evaluation_page
from assistant.evaluation.report.markdown import comparison_markdown, evaluation_markdown


def write_report(
    evaluation: Evaluation, folder: Path, *, missed: Sequence[str] | None = None, reserved: bool = False
) -> Path:
    """Write ``report.*`` into a folder, made if need be; returns the page.

    Args:
        missed: what is below the floor; None where no floor applies.
        reserved: whether the `report` half is to be measured and not read.
    Raises:
        AssistantError: the folder cannot be written to.
    """
    return _write(folder, {
        "report.json": _json(evaluation.to_json()),
        "report.md": evaluation_markdown(evaluation, missed=missed, reserved=reserved),
        "report.html": evaluation_page(evaluation, missed=missed, reserved=reserved),
    })


def write_comparison(comparison: Comparison, folder: Path, *, reserved: bool = False) -> Path:
    """Write ``compare.*`` into a folder; returns the page. Raises as `write_report` does."""
    return _write(folder, {
        "compare.json": _json({
            "schema": 1, "questions": len(comparison.pairs), "only_before": comparison.only_before,
            "only_after": comparison.only_after,
            "changes": {
                half: [{**asdict(change), "verdict": change.verdict} for change in own]
                for half, own in comparison.changes.items()
            },
            "changed": [
                {"id": a.id, "half": a.half, "question": a.question, "before": a.verdict, "after": b.verdict,
                 "right_before": a.values["right"], "right_after": b.values["right"]}
                for a, b in comparison.changed
            ],
        }),
        "compare.md": comparison_markdown(comparison),
        "compare.html": comparison_page(comparison, reserved=reserved),
    })


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=1) + "\n"


def _write(folder: Path, texts: Mapping[str, str]) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / f".{name}").write_bytes(text.encode("utf-8", "replace"))
        for name in texts:
            (folder / f".{name}").replace(folder / name)
    except OSError as exc:
        raise AssistantError(
            f"the report cannot be written to {folder.name!r} ({exc.strerror}); name a folder with --out"
        ) from exc
    return folder / next(name for name in texts if name.endswith(".html"))

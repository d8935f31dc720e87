"""How good the product is, measured on questions with known answers: ``from assistant.evaluation import evaluate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assistant.evaluation.evaluation import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate"]


def __getattr__(name: str) -> Any:  # heavy modules load when first used
    if name in __all__:
        from assistant.evaluation import evaluation
        return getattr(evaluation, name)
    raise AttributeError(f"module 'assistant.evaluation' has no attribute {name!r}")

"""What an answer costs besides time."""

from __future__ import annotations

from assistant.evaluation.case import Case
from assistant.evaluation.measures.measure import measure


@measure("prompt tokens", better="lower", share=False)
def prompt_tokens(case: Case) -> float | None:
    """Tokens sent to a language model; no figure where none was asked."""
    tokens = case.answer.tokens.get("prompt")
    return None if tokens is None else float(tokens)


@measure("cost", better="lower", share=False)
def cost(case: Case) -> float | None:
    """US dollars for one answer; no figure where no price is known."""
    return case.answer.cost


COST = (prompt_tokens, cost)

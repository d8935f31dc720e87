"""Follow-ups: what a question of a conversation refers back to, and the question in words of its own."""

from assistant.followup.read import read_followup
from assistant.followup.spoken import Turn
from assistant.followup.wording import Reading

__all__ = ["Reading", "Turn", "read_followup"]

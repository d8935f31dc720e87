"""Follow-ups: what a question of a conversation refers back to, and the question in words of its own."""

from assistant.followup.read import read_followup
from assistant.followup.spoken import Turn, papers_of
from assistant.followup.wording import Reading

__all__ = ["Reading", "Turn", "papers_of", "read_followup"]

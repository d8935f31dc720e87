"""Follow-ups: what a question of a conversation refers back to, and the question in words of its own."""

from assistant.conversation.followup import read_followup
from assistant.conversation.wording import Reading
from assistant.records import Turn

__all__ = ["Reading", "Turn", "read_followup"]

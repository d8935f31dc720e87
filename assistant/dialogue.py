"""Conversations, under the name by which programs import them."""

from assistant.conversation.dialogue import Dialogue

__all__ = ["Dialogue"]

"""The chat engine for llama-index, under the name by which programs import it."""

from assistant.integrations.llama_index.chat_engine import ChatAnswer, ChatEngine, StreamedChatAnswer

__all__ = ["ChatAnswer", "ChatEngine", "StreamedChatAnswer"]

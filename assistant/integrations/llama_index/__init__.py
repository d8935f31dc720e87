"""The assistant as parts of llama-index: a chat engine, a retriever, a model."""

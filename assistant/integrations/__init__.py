"""The assistant for users of other libraries."""

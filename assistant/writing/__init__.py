"""Answers that a language model writes, from the papers, and what is done when it fails."""

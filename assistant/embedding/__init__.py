"""Texts to vectors, without PyTorch."""

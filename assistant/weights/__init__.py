"""Logistic regression, and the weights of every model that was fitted, in one file; knows no text."""

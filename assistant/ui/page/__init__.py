"""The chat page: plain functions from values to HTML in `shown`, a file for each tab, and the server."""

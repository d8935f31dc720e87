"""Words, names, spelling, links and hidden instructions of texts; knows no storage."""

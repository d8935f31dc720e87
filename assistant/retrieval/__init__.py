"""From a question to the papers and sentences that bear on it."""

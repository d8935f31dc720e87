"""What a sentence must agree with its cited papers in, one idea per file; see `assistant.checking.check`."""

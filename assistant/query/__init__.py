"""Reading a question: what it asks for, which of its words say so, and which say what it is about."""

"""Language models: messages in, text out. ``table.py`` lists them, ``base.py`` says what each does."""

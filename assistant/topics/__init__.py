"""A map of the collection: its vectors in two dimensions, its topics named from their words."""

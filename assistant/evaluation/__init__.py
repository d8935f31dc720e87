"""How good the product is, measured on questions with known answers."""

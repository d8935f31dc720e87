"""What is stored of the papers, all of it at one generation."""

"""What is seen and heard, before any emotion is read from it."""

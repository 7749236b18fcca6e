"""What lies around people: objects and how the picture looks."""

"""What people read of a run: the narrative, the page, the overlay and the files."""

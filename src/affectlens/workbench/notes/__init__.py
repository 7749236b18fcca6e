"""What people add to a run: names, labels, markers, exclusions; and what follows from them."""

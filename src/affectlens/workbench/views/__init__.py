"""What the page lists and compares: the library of runs, audits with their examples, two runs side by side."""

"""What surrounds an expression: the place, the moment, and what is usual there."""

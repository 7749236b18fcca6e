"""Work that takes long: a queue, and the process that does it."""

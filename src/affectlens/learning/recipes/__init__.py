"""The recipes of all trainings, one file each: every choice with its help and bounds, importable without the networks."""

"""The posture: recognised in windows, explained by parts of the body."""

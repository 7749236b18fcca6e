"""The gait: recognised every two seconds of walking, explained by measurements."""

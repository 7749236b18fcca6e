"""Models that come with the package, or whose weights a user has."""

"""Damaged files for every reader: each is read or refused with an error of this package, in bounded time and memory."""

"""Architectures of the networks that this project trains."""

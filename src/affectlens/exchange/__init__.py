"""Annotations in and out, in the formats that the field trades in: one file a format in ``formats``, one decorator."""

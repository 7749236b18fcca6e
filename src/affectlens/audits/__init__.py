"""Audits of what models rest on, over whole corpora: one folder each."""

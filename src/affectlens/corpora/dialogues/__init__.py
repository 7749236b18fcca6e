"""Corpora of dialogues: utterances in order, with features where they are published."""

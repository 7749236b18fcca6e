"""Who speaks when, from the sound alone: an encoder of voices, a measure of how alike two are, and clustering."""

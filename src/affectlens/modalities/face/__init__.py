"""The face: recognised in windows, explained by maps, regions, the attention mask and the person's own baseline."""

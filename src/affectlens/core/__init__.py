"""What every room needs: errors, labels, the table, registries, settings, progress and files."""

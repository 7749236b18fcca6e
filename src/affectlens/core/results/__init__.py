"""What results have in common: a table, a chart, and a folder that they are saved to and read from without loss."""

from affectlens.core.results.saved import SavedResult

__all__ = ["SavedResult"]

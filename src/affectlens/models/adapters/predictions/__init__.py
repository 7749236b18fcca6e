"""Tables of predictions made elsewhere: Py-Feat, OpenFace, LibreFace, DeepFace, FaceReader, and tables of one's own."""

from affectlens.models.adapters.predictions.read import SUFFIXES, Predicted, read_predictions

__all__ = ["SUFFIXES", "Predicted", "read_predictions"]

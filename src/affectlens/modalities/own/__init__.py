"""A network of the user's in the place of the one that ships: ``--model face=mine.onnx``; what can be explained of it is."""

"""ONNX graphs as the techniques need them: reading, tidying, weights, sessions, scores, writing."""

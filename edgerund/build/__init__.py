"""The ladder factory: one trained model in, a measured ladder out.

Needs the extra ``build`` (ONNX files), and ``train`` for recipes that train; the daemon imports neither.
"""

"""One file per backend. Adding one: write the file, add its line here, and run the contract suite."""

from __future__ import annotations

TABLE = {
    "onnxruntime": "edgerund.engines.ort:OrtBackend",
    "litert": "edgerund.engines.litert:LiteRtBackend",
    "cascade": "edgerund.engines.cascade:CascadeBackend",
    "fake": "edgerund.engines.fake:FakeBackend",
}

# Beside the table, so that a ladder file can be checked without importing a backend.
SUFFIXES: dict[str, tuple[str, ...]] = {
    "onnxruntime": (".onnx", ".ort"),
    "litert": (".tflite",),
    "cascade": (".cascade",),
    "fake": (".fake",),
}

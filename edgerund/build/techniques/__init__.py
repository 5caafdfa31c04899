"""One file per technique of compression, each a stage that composes with the others.

``TABLE`` gives the name that a recipe uses; nothing is imported before a recipe names it.
"""

from __future__ import annotations

from collections.abc import Mapping

TABLE: Mapping[str, str] = {
    "onnx": "edgerund.build.techniques.onnx_file:OnnxFile",
}

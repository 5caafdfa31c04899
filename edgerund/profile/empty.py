"""The smallest network of each backend: what is resident once it has run is the library's, not the variant's."""

from __future__ import annotations

import base64
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from edgerund.errors import EngineError
from edgerund.ports import Backend, Engine, LoadOptions
from edgerund.registry import resolve, suffixes

# y = x, one float
_ONNX = b"CAg6OgoQCgF4EgF5IghJZGVudGl0eRIEdGlueVoPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCAhAN"
# one fully connected layer from 4 x 4 x 3 to one number
_TFLITE = (
    b"c-rG&U|<Mw^D(~l@Be=hAe)1cfk6O>Q<xYSm>D4W0}v|!F$)mC`~Uwx3zQ83Yz!Pg9vf8b0K?D+9Z)}(Wad?Z_`u*`5CO~ZF-QP"
    b"e0t`H0Kl4GwWq>#Zh%<mV2O18!iJ5umdO<WuFE^52P>>5i*(_iP(E|&6m>En+;*3ynklG1A90SBUP<{{4?Hpix7{GB-oSa{jT8z*"
    b"S!ViFIc%WwTK*f@f<axlZWB~h-2T2W#E=O{Y0azRq9uOBn^g--r1>(%y#Pn3C+ZdrV3z9zsp!&Iy^m9VI#|Z$UBP5d"
)


def _files() -> Mapping[str, bytes]:
    return {
        "onnxruntime": base64.b64decode(_ONNX),
        "litert": zlib.decompress(base64.b85decode(_TFLITE)),
    }


def load_empty(backend: str, threads: int, options: Mapping[str, object]) -> Engine | None:
    """The smallest network, loaded with the variant's own ``options`` and run; None where none is known.

    Raises:
        PluginError: the backend is not installed.
    """
    made: Backend = resolve("engines", backend)()
    made.version()
    content = _files().get(backend)
    if content is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("empty" + (suffixes(backend) or ("",))[0])
        path.write_bytes(content)
        try:
            engine = made.load(
                path, LoadOptions(threads, None, options), lambda _share, _text: None
            )
            engine.infer([np.zeros([n or 1 for n in t.shape], t.dtype) for t in engine.spec.inputs])
        except EngineError:  # options that only the variant itself can have: its load will tell
            return None
    return engine

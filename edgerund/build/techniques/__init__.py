"""One file per technique of compression, each a stage that composes with the others.

``TABLE`` gives the name that a recipe uses; nothing is imported before a recipe names it.
"""

from __future__ import annotations

from collections.abc import Mapping

TABLE: Mapping[str, str] = {
    "fp16": "edgerund.build.techniques.fp16:Fp16",
    "int8": "edgerund.build.techniques.int8:Int8",
    "int8_dynamic": "edgerund.build.techniques.int8_dynamic:Int8Dynamic",
    "lowrank": "edgerund.build.techniques.lowrank:LowRank",
    "mixed": "edgerund.build.techniques.mixed:Mixed",
    "optimize": "edgerund.build.techniques.optimize:Optimize",
    "share": "edgerund.build.techniques.share:Share",
    "sparse": "edgerund.build.techniques.sparse:Sparse",
    "train": "edgerund.build.techniques.train:Train",
    "export": "edgerund.build.techniques.export:Export",
    "prune": "edgerund.build.techniques.prune:Prune",
    "lottery": "edgerund.build.techniques.lottery:Lottery",
    "distill": "edgerund.build.techniques.distill:Distill",
    "tune": "edgerund.build.techniques.tune:Tune",
    "qat": "edgerund.build.techniques.tune:Qat",
    "mirror": "edgerund.build.techniques.mirror:Mirror",
    "cascade": "edgerund.build.techniques.cascade:Cascade",
    "onnx": "edgerund.build.techniques.onnx_file:OnnxFile",
}

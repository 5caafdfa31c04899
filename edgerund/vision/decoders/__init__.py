"""Decoders of raw outputs: one file each, one line here, imported when a variant names it."""

from __future__ import annotations

CLASSIFY = {
    "logits": "edgerund.vision.decoders.scores:Logits",
    "softmax": "edgerund.vision.decoders.scores:Probabilities",
    "probabilities": "edgerund.vision.decoders.scores:Probabilities",
}

DETECT = {
    "yolov5": "edgerund.vision.decoders.yolov5:YoloV5",
    "yolov8": "edgerund.vision.decoders.yolov8:YoloV8",
    "yolox": "edgerund.vision.decoders.yolox:YoloX",
    "ssd": "edgerund.vision.decoders.ssd:Ssd",
    "boxes": "edgerund.vision.decoders.boxes:PlainBoxes",
    "fastestdet": "edgerund.vision.decoders.fastestdet:FastestDet",
}

TABLE = {**CLASSIFY, **DETECT}

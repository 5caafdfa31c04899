"""Frames in, answers out: preprocessing, decoding of raw outputs, and the tasks made of them."""

from __future__ import annotations

TABLE = {
    "classify": "edgerund.vision.classify:pipeline",
    "detect": "edgerund.vision.detect:pipeline",
    "tensor": "edgerund.vision.tensor:pipeline",
}

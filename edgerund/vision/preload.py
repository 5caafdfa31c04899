"""Imports what most ladders need, for the fork server: a worker then starts without importing."""

from __future__ import annotations

import edgerund.vision.classify
import edgerund.vision.detect
import edgerund.vision.tensor  # noqa: F401
from edgerund.vision.codec import import_codecs

import_codecs()

"""The imagined system: a plant with a virtual clock under the very same ``decide``, a bound, baselines, replay."""

from __future__ import annotations

from collections.abc import Mapping

TABLE: Mapping[str, str] = {
    "default": "edgerund.sim.plant:Plant",
    "perturbed": "edgerund.sim.perturbed:PerturbedPlant",
}
"""Plants by name; others are given as ``module:Class``."""

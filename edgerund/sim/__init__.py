"""The imagined system: a plant with a virtual clock under the very same ``decide``, a bound, baselines, replay."""

"""Scenes of the ten CIFAR-10 classes, drawn from a random generator."""

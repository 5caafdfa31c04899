"""Actuators: on real files in a tree, and a real program."""

"""Cascades out of the factory: what the members say, when the answer of each is good enough, and their files."""

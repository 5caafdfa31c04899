"""Writes the pages of ``docs/`` that are made from the code, and tells when one is stale."""

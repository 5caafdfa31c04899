"""Tools for people who work on edgerund itself; not part of the package."""

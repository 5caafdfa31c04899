"""The data path: one thread owns the socket and the live engine."""

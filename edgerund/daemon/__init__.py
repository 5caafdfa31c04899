"""The running system: supervisor, workers, control socket."""

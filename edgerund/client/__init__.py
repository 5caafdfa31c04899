"""The client library: sends frames, gets answers, survives a restart of the daemon. Needs numpy and pyzmq only."""

"""The wire: frames of a ZeroMQ message to and from requests and replies. Bytes only, no sockets."""

"""A queue between threads that can be polled like a socket: the only way the threads of a worker talk."""

from __future__ import annotations

import os
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Many writers, one reader. ``fileno()`` becomes readable when something lies in it.

    ``put`` never blocks and never fails; ``drain`` returns what is there, oldest first, perhaps nothing.
    """

    def __init__(self) -> None:
        # not os.eventfd: a pipe costs one more descriptor and works on every kernel and Python
        self._read_fd, self._write_fd = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._items: deque[T] = deque()
        self._closed = False

    def fileno(self) -> int:
        """The descriptor to poll for reading."""
        return self._read_fd

    def put(self, item: T) -> None:
        """Append and wake the reader. After ``close`` the item is dropped."""
        self._items.append(item)
        if self._closed:
            return
        try:
            os.write(self._write_fd, b"\0")
        except BlockingIOError:
            pass  # 65,536 wake-ups wait already: the reader will come
        except OSError:
            self._closed = True

    def drain(self) -> list[T]:
        """Everything that lies in the box, oldest first. Never blocks."""
        try:
            while len(os.read(self._read_fd, 4096)) == 4096:
                pass
        except (BlockingIOError, OSError):
            pass
        taken: list[T] = []
        while self._items:
            taken.append(self._items.popleft())
        return taken

    def close(self) -> None:
        """Close both ends. Only the reader calls it, once it has stopped polling."""
        if not self._closed:
            self._closed = True
            os.close(self._read_fd)
            os.close(self._write_fd)

"""Memory that is free goes back to the system; where the C library cannot, nothing happens."""

from __future__ import annotations

import ctypes
import sys

import pytest

from edgerund.engines import trim
from edgerund.profile.resident import resident_bytes


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is Linux's")
def test_freed_memory_is_given_back() -> None:
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "malloc_trim"):
        pytest.skip("this C library has no malloc_trim")
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    libc.free.argtypes = [ctypes.c_void_p]
    # a small one above each, so that the heap cannot shrink by itself
    blocks = [(libc.malloc(64 * 1024), libc.malloc(4096)) for _ in range(400)]
    for block, _ in blocks:
        ctypes.memset(block, 1, 64 * 1024)
    for block, _ in blocks:
        libc.free(block)
    before = resident_bytes()
    trim.trim()
    after = resident_bytes()
    for _, pin in blocks:
        libc.free(pin)
    assert before is not None
    assert after is not None
    assert before - after > 20 * 1024 * 1024


def test_without_it_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    trim._trimmer.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    trim.trim()
    trim._trimmer.cache_clear()

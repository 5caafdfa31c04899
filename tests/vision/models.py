"""Real models of the shared data, loaded by the backends that serve them."""

from __future__ import annotations

import pytest

from edgerund.errors import PluginError
from edgerund.ports import Backend, Engine, LoadOptions
from edgerund.registry import resolve
from tests.shared_data import shared


def load(backend_name: str, model: str) -> Engine:
    """The engine; skips the test where the file or the backend's library is absent."""
    path = shared(model)
    backend: Backend = resolve("engines", backend_name)()
    try:
        backend.version()
    except PluginError as e:
        pytest.skip(str(e))
    return backend.load(path, LoadOptions(), lambda _share, _text: None)

"""edgerund: an adaptive runtime daemon for neural networks on small computers.

Only the client is offered here, and only when asked for: ``import edgerund`` costs nothing, and
``edgerund.Client`` needs no more than numpy and pyzmq.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgerund.client import Answer, AsyncClient, Client

__version__ = "0.1.0"
__all__ = ["Answer", "AsyncClient", "Client", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the client on first use (PEP 562)."""
    if name in ("Answer", "AsyncClient", "Client"):
        import edgerund.client

        return getattr(edgerund.client, name)
    raise AttributeError(f"module 'edgerund' has no attribute {name!r}")

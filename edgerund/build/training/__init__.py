"""What the techniques that train share: files of networks, figures, teachers, and a loop for recipes without one."""

from __future__ import annotations

from importlib.util import find_spec

from edgerund.errors import BuildError


def require(*packages: str) -> None:
    """Say what to install, before a technique's own imports fail in the middle.

    Raises:
        BuildError: one of ``packages`` is not installed.
    """
    for package in packages:
        if find_spec(package) is None:
            name = package.replace("_", "-")
            raise BuildError(
                f"cannot train: {name} is not installed; pip install 'edgerund[train]'"
            )

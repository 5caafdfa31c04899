"""What the techniques that train share: files of networks, figures, teachers, and a loop for recipes without one."""

from __future__ import annotations

from importlib.util import find_spec

from edgerund.build.technique import Context
from edgerund.errors import BuildError


def begin(context: Context, *packages: str) -> None:
    """The threads and the seed of the stage; first of all, say what is not installed.

    Raises:
        BuildError: one of ``packages`` is not installed.
    """
    for package in ("torch", *packages):
        if find_spec(package) is None:
            name = package.replace("_", "-")
            raise BuildError(
                f"cannot train: {name} is not installed; pip install 'edgerund[train]'"
            )
    import torch

    torch.set_num_threads(context.threads)
    torch.manual_seed(context.seed)

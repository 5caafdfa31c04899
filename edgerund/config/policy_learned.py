"""The part of a policy file that names a network: an ONNX file that proposes variants within the limits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from edgerund.checksum import file_sha256
from edgerund.config.source import Strict
from edgerund.types import policy as plain

MOST_BYTES = 64 * 1024 * 1024


class LearnedModel(Strict):
    """A network proposes variants; what a limit, a rule or a hold stands against is not taken."""

    file: Annotated[str, Field(min_length=1)] = Field(
        description="an ONNX file, beside the policy file or by its whole path"
    )
    ladders: list[str] = Field(
        default_factory=list, description="the ladders that it is asked about; empty: all"
    )
    budget_ms: Annotated[float, Field(ge=1, le=500)] = Field(
        default=50.0,
        description="how long an answer is waited for; without one the policy decides alone",
    )

    def plan(self, folder: Path) -> plain.LearnedTerms:
        """With the fingerprint of the file, which is sought from ``folder``.

        Raises:
            ValueError: there is no such file, or it cannot be a policy.
        """
        path = (folder / self.file).absolute()
        try:
            if not path.is_file():
                raise ValueError(f"cannot find the network {path}")
            if path.stat().st_size > MOST_BYTES:
                raise ValueError(f"cannot use {path} as a policy: it is larger than 64 MiB")
            sha256 = file_sha256(path)
        except OSError as e:
            raise ValueError(f"cannot read the network {path}: {e.strerror}") from e
        ladders = tuple(dict.fromkeys(self.ladders))
        return plain.LearnedTerms(str(path), sha256, ladders, self.budget_ms)

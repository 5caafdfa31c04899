"""The part of a policy file that lets a second variant run on some of the frames."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from edgerund.config.source import Strict
from edgerund.types import policy as plain


class ShadowModel(Strict):
    """A sampled share of the frames is also run on the best variant, to see how well the others agree with it."""

    share: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.01, description="of the answered frames"
    )
    max_per_s: Annotated[float, Field(gt=0, le=1000)] = Field(
        default=1.0, description="at most so many a second"
    )
    headroom: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.1,
        description="every constraint must have so much left (0..1), else the shadow rests",
    )

    def plan(self) -> plain.ShadowTerms:
        return plain.ShadowTerms(self.share, self.max_per_s, self.headroom)

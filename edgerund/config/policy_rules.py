"""The override rules of a policy file: conditions on senses, and references to variants of any ladder."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag, model_validator

from edgerund.config.policy_limits import Sense, Share
from edgerund.config.source import Strict
from edgerund.types import policy as plain

_PLACE = re.compile(r"(top|middle|bottom)(?:([+-])(\d{1,3}))?")


class ConditionModel(Strict):
    """A comparison with one sense."""

    below: float | None = Field(default=None, description="true while the value is less than this")
    above: float | None = Field(default=None, description="true while the value is more than this")
    until: float | None = Field(
        default=None, description="once true, stays true until the value passes this"
    )
    missing: Literal[True] | None = Field(default=None, description="true while there is no value")

    @model_validator(mode="after")
    def _one_comparison(self) -> ConditionModel:
        if (self.below, self.above, self.missing).count(None) != 2:
            raise ValueError("give exactly one of below, above, missing")
        if self.until is not None:
            if self.missing:
                raise ValueError("until goes with below or above")
            if self.below is not None and self.until < self.below:
                raise ValueError("until must not be less than below")
            if self.above is not None and self.until > self.above:
                raise ValueError("until must not be more than above")
        return self

    def plan(self, sense: str) -> plain.Condition:
        return plain.Condition(sense, self.below, self.above, self.until, bool(self.missing))


class AccuracyRef(Strict):
    """The cheapest variant with at least this accuracy."""

    accuracy: Share = Field(description="at least this (0..1)")


def _form(written: object) -> str:
    return "accuracy" if isinstance(written, (dict, AccuracyRef)) else "name"


Ref: TypeAlias = Annotated[
    Annotated[Annotated[str, Field(min_length=1)], Tag("name")]
    | Annotated[AccuracyRef, Tag("accuracy")],
    Discriminator(_form),
]


class ThenModel(Strict):
    """What a rule does."""

    at_most: Ref | None = Field(default=None, description="nothing better than this variant")
    at_least: Ref | None = Field(
        default=None, description="nothing cheaper than this, unless a safety limit forces it"
    )
    exactly: Ref | None = Field(
        default=None, description="this variant, unless a safety limit forbids it"
    )
    exclude: Annotated[list[Ref], Field(min_length=1)] | None = Field(
        default=None, description="not these"
    )

    @model_validator(mode="after")
    def _one_verb(self) -> ThenModel:
        if (self.at_most, self.at_least, self.exactly, self.exclude).count(None) != 3:
            raise ValueError("give exactly one of at_most, at_least, exactly, exclude")
        return self

    def plan(self) -> tuple[plain.Verb, tuple[plain.VariantRef, ...]]:
        if self.at_most is not None:
            return "at_most", (_ref(self.at_most),)
        if self.at_least is not None:
            return "at_least", (_ref(self.at_least),)
        if self.exactly is not None:
            return "exactly", (_ref(self.exactly),)
        return "exclude", tuple(_ref(r) for r in self.exclude or ())


class RuleModel(Strict):
    """An override; of those that match, the first wins."""

    when: Annotated[dict[Sense, ConditionModel], Field(min_length=1)] = Field(
        description="sense: comparison; all of them must hold"
    )
    then: ThenModel
    reason: str = Field(default="", description="told to whoever asks why")
    ladders: list[str] = Field(default_factory=list, description="only these; empty: all")

    def plan(self) -> plain.Rule:
        verb, refs = self.then.plan()
        when = tuple(c.plan(sense) for sense, c in self.when.items())
        return plain.Rule(when, verb, refs, self.reason, tuple(self.ladders))


def _ref(written: str | AccuracyRef) -> plain.VariantRef:
    """``top``, ``top-1``, ``middle``, ``bottom+2``, a variant's name, or an accuracy."""
    if isinstance(written, AccuracyRef):
        return plain.VariantRef("accuracy", accuracy=written.accuracy)
    place = _PLACE.fullmatch(written)
    if place is None:
        return plain.VariantRef("name", name=written)
    word, sign, steps = place.groups()
    anchor: plain.Anchor = word  # type: ignore[assignment]
    down = int(steps or 0) * (-1 if sign == "+" else 1)
    return plain.VariantRef(anchor, name=written, offset=down)

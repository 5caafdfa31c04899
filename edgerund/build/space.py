"""What a search may vary: a recipe's ``search.steps`` as parameters with choices and intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from edgerund.build.recipe import SearchStep

Params = dict[str, Any]

_BETWEEN = ("between", "log", "step")


class Drawing(Protocol):
    """The part of an Optuna trial that draws."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of them."""
        ...

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:
        """A whole number."""
        ...

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None, log: bool
    ) -> float:
        """A number."""
        ...


def is_varied(value: Any) -> bool:
    """Whether a parameter is written as ``{choose: ...}`` or ``{between: ...}``."""
    return isinstance(value, Mapping) and ("choose" in value or "between" in value)


def mistakes(step: SearchStep) -> Iterator[tuple[str, str]]:
    """(key, what is wrong) for each parameter whose variation makes no sense."""
    for key, value in step.params.items():
        if not is_varied(value):
            continue
        if "choose" in value:
            options = value["choose"]
            if set(value) != {"choose"} or not isinstance(options, list) or not options:
                yield key, "cannot read what may vary: write {choose: [a, b]} and nothing beside it"
        elif not _is_interval(value):
            yield (
                key,
                "cannot read what may vary: write {between: [low, high]}, with log: true or step: s",
            )


def _is_interval(value: Mapping[str, Any]) -> bool:
    ends = value["between"]
    numbers = (
        isinstance(ends, list)
        and len(ends) == 2
        and all(isinstance(end, (int, float)) and not isinstance(end, bool) for end in ends)
    )
    if not numbers or ends[0] > ends[1] or set(value) - set(_BETWEEN):
        return False
    step, log = value.get("step"), value.get("log", False)
    if step is not None and (not isinstance(step, (int, float)) or step <= 0 or log):
        return False
    return isinstance(log, bool) and not (log and ends[0] <= 0)


def corners(step: SearchStep) -> Iterator[Params]:
    """Parameter sets that between them use every value that is written down; for checking them early."""
    fixed = {k: v for k, v in step.params.items() if not is_varied(v)}
    varied = {k: v.get("choose", v.get("between")) for k, v in step.params.items() if is_varied(v)}
    for i in range(max((len(options) for options in varied.values()), default=1)):
        yield {**fixed, **{k: options[min(i, len(options) - 1)] for k, options in varied.items()}}


def draw(steps: Sequence[SearchStep], trial: Drawing) -> list[tuple[int, Params]]:
    """(number of the step, its parameters) for each step that the trial takes, in order."""
    chain = []
    for number, step in enumerate(steps):
        if step.optional and not trial.suggest_categorical(f"{number}.taken", [True, False]):
            continue
        params = {
            key: _one(trial, f"{number}.{key}", value) if is_varied(value) else value
            for key, value in step.params.items()
        }
        chain.append((number, params))
    return chain


def _one(trial: Drawing, name: str, value: Mapping[str, Any]) -> Any:
    if "choose" in value:
        options = value["choose"]  # by number: Optuna's own choices must be plain values
        return options[trial.suggest_categorical(name, list(range(len(options))))]
    low, high = value["between"]
    step, log = value.get("step"), bool(value.get("log", False))
    if all(isinstance(each, int) for each in (low, high, step or 1)):
        return trial.suggest_int(name, low, high, step=step or 1, log=log)
    found = trial.suggest_float(name, low, high, step=step, log=log)
    return float(f"{found:.4g}")  # enough to tell, and to find the stage again

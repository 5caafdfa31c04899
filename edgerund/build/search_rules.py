"""What a recipe's ``search`` means, checked before anything runs: techniques, parameters, what may vary."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from pydantic import ValidationError

from edgerund.build.recipe import SearchFile, SearchStep
from edgerund.build.space import corners, mistakes
from edgerund.config.source import Loc
from edgerund.errors import PluginError


def check_steps(
    search: SearchFile, stages: Collection[str], make: Callable[[SearchStep, Any], Any]
) -> Iterator[tuple[Loc, str]]:
    """(where, what is wrong) for every mistake.

    Args:
        search: its form is right already.
        stages: names that a teacher may have.
        make: a stage of a step and one set of parameters; raises PluginError or ValidationError.
    """
    for number, step in enumerate(search.steps):
        loc: Loc = ("search", "steps", number)
        wrong = list(mistakes(step))
        yield from (((*loc, key), message) for key, message in wrong)
        if step.teacher is not None and step.teacher not in stages:
            yield (*loc, "teacher"), f"cannot find the stage {step.teacher!r}"
        if not wrong:
            yield from _made(step, loc, make)


def _made(
    step: SearchStep, loc: Loc, make: Callable[[SearchStep, Any], Any]
) -> Iterator[tuple[Loc, str]]:
    said = set()
    for params in corners(step):
        try:
            technique = make(step, params).technique
        except PluginError as e:
            yield (*loc, "use"), str(e)
            return
        except ValidationError as e:
            for error in e.errors():
                key = error["loc"][0] if error["loc"] else "use"
                if key not in said:
                    said.add(key)
                    yield (*loc, key), f"{step.use}: {error['msg']}"
            continue
        if technique.takes != "onnx" or technique.gives != "onnx":
            yield (
                (*loc, "use"),
                f"cannot search over {step.use}: every step must make an ONNX file of another",
            )
            return

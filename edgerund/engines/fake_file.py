"""The form of a ``.fake`` file: JSON, every key known, every value possible."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgerund.errors import EngineError
from edgerund.types import TensorSpec

_MAX_FILE_BYTES = 1024 * 1024
KEYS: dict[str, tuple[type, ...]] = {
    "inputs": (list,),
    "outputs": (list,),
    "answer": (str,),
    "seed": (int,),
    "factor": (int, float),
    "values": (list,),
    "latency_ms": (int, float),
    "busy": (bool,),
    "load_ms": (int, float),
    "allocate_mb": (int, float),
    "max_batch": (int,),
    "fail_load": (str,),
    "crash_load": (bool,),
    "hang_load": (bool,),
    "fail_after": (int,),
    "crash_after": (int,),
    "hang_after": (int,),
    "nan_after": (int,),
}
_DTYPES = ("float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool")


def read_fake(path: Path) -> dict[str, Any]:
    """The JSON object in a ``.fake`` file.

    Raises:
        EngineError: unreadable, larger than 1 MiB, or no JSON object.
    """
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise EngineError(f"cannot load {path.name}: larger than 1 MiB")
        told = json.loads(path.read_bytes())
    except OSError as e:
        raise EngineError(f"cannot load {path.name}: {e.strerror}") from e
    except (ValueError, RecursionError) as e:
        raise EngineError(f"cannot load {path.name}: it is no JSON ({e})") from e
    if not isinstance(told, dict):
        raise EngineError(f"cannot load {path.name}: it must be a JSON object")
    return told


def check_keys(name: str, told: Mapping[str, Any]) -> None:
    """Every key is known and its value possible.

    Raises:
        EngineError: the first that is not.
    """
    for key, value in told.items():
        if key not in KEYS:
            raise EngineError(f"cannot load {name}: unknown key {key!r}")
        kinds = KEYS[key]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise EngineError(f"cannot load {name}: {key} must be a {kinds[0].__name__}")
        if (
            isinstance(value, (int, float))
            and not 0 <= value <= 1e6
            and key not in ("factor", "seed")
        ):
            raise EngineError(f"cannot load {name}: {key} must lie between 0 and 1000000")


def read_specs(name: str, key: str, told: Any) -> tuple[TensorSpec, ...]:
    """The signature that ``inputs`` or ``outputs`` declares; -1 or null is a free side.

    Raises:
        EngineError: nothing declared, or something impossible.
    """
    if not told:
        raise EngineError(f"cannot load {name}: {key} must list at least one tensor")
    return tuple(
        _spec(f"{name}: {key}[{i}]", f"{key[:-1]}{i}", item) for i, item in enumerate(told)
    )


def _spec(where: str, usual_name: str, item: Any) -> TensorSpec:
    try:
        shape = tuple(None if side in (None, -1) else int(side) for side in item["shape"])
        dtype = item.get("dtype", "float32")
        scale = float(item["scale"]) if "scale" in item else None
        zero_point = None if scale is None else int(item.get("zero_point", 0))
        name = str(item.get("name", usual_name))
    except (KeyError, TypeError, ValueError, AttributeError) as e:
        raise EngineError(f"cannot load {where} is wrong: {e!r}") from e
    if dtype not in _DTYPES:
        raise EngineError(
            f"cannot load {where} has dtype {dtype!r}; known are {', '.join(_DTYPES)}"
        )
    if any(side is not None and side < 1 for side in shape):
        raise EngineError(f"cannot load {where} has an impossible shape {item['shape']!r}")
    return TensorSpec(name, dtype, shape, scale, zero_point)

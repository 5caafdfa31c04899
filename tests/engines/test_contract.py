"""One suite for every backend: what the daemon relies on, whatever the library behind it."""

from __future__ import annotations

import ctypes
import gc
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from edgerund import engines, registry
from edgerund.errors import EngineError
from edgerund.ports import Array, Engine, LoadOptions
from tests.engines.cases import CASES, Case, backend_of, load, real, some_input, write

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def path(case: Case, tmp_path: Path) -> Path:
    return write(case, tmp_path)


@pytest.fixture
def engine(case: Case, path: Path) -> Iterator[Engine]:
    engine = load(case, path)
    yield engine
    engine.close()


def test_every_backend_in_the_table_has_a_case() -> None:
    assert {case.backend for case in CASES} == set(engines.TABLE) == set(engines.SUFFIXES)


def test_the_backend_takes_the_suffixes_that_the_table_promises(case: Case) -> None:
    assert backend_of(case).suffixes == registry.suffixes(case.backend)


def test_the_version_names_the_library(case: Case) -> None:
    name, _, number = backend_of(case).version().partition(" ")
    assert name
    assert number


def test_the_signature_tells_names_types_and_shapes(case: Case, engine: Engine) -> None:
    (given,), (answer,) = engine.spec.inputs, engine.spec.outputs
    assert given.name == "image"
    assert answer.name == "scores"
    assert given.dtype == case.dtype
    assert given.shape == (None if case.free_batch else 1, *case.shape)
    assert engine.spec.max_batch == (32 if case.free_batch else 1)
    assert (given.scale is not None) == (case.dtype == "int8")


def test_it_computes_what_the_model_says(case: Case, engine: Engine) -> None:
    for seed in range(5):
        given = some_input(case, seed)
        (answer,) = engine.infer([given])
        np.testing.assert_allclose(
            real(engine, answer), case.expected(given), atol=case.tolerance, rtol=1e-4
        )


def test_a_batch_equals_its_frames_one_by_one(case: Case, engine: Engine) -> None:
    if not case.free_batch:
        pytest.skip("this model takes one frame at a time")
    given = some_input(case, batch=4)
    (together,) = engine.infer([given])
    alone = np.concatenate([engine.infer([given[i : i + 1]])[0] for i in range(4)])
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)


def test_the_same_input_gives_the_same_bytes(case: Case, engine: Engine, path: Path) -> None:
    given = some_input(case)
    first = engine.infer([given])[0].tobytes()
    assert engine.infer([given])[0].tobytes() == first
    again = load(case, path)
    assert again.infer([given])[0].tobytes() == first
    again.close()


def test_the_caller_owns_the_outputs(case: Case, engine: Engine) -> None:
    (kept,) = engine.infer([some_input(case, 1)])
    copy = kept.copy()
    engine.infer([some_input(case, 2)])
    assert np.array_equal(kept, copy)
    kept[...] = 0
    assert np.array_equal(engine.infer([some_input(case, 1)])[0], copy)
    engine.close()
    assert not kept.any()


def test_the_input_is_left_alone(case: Case, engine: Engine) -> None:
    given = some_input(case)
    copy = given.copy()
    given.flags.writeable = False
    engine.infer([given])
    assert np.array_equal(given, copy)


def wrong_inputs(case: Case) -> dict[str, list[Array]]:
    good = some_input(case)
    wide = np.concatenate([good, good], axis=-1)
    return {
        "none": [],
        "one too many": [good, good],
        "another dtype": [good.astype(np.float64)],
        "the other byte order": [good.astype(np.dtype(np.float32).newbyteorder(">"))],
        "a side too long": [wide],
        "a side missing": [good[0]],
        "empty": [good[:0]],
        "not contiguous": [wide[..., ::2]],
        "no array": [good.tolist()],
    }


@pytest.mark.parametrize("kind", wrong_inputs(CASES[0]))
def test_a_wrong_input_is_one_clear_error_and_the_engine_goes_on(
    case: Case, engine: Engine, kind: str
) -> None:
    before = engine.infer([some_input(case)])[0]
    with pytest.raises(EngineError, match=r"^cannot infer: ") as caught:
        engine.infer(wrong_inputs(case)[kind])
    assert "\n" not in str(caught.value)
    assert np.array_equal(engine.infer([some_input(case)])[0], before)


def test_it_can_be_closed_twice_and_not_used_after(case: Case, engine: Engine) -> None:
    spec = engine.spec
    engine.close()
    engine.close()
    assert engine.spec == spec
    with pytest.raises(EngineError, match="closed"):
        engine.infer([some_input(case)])


def test_two_engines_live_side_by_side(case: Case, engine: Engine, path: Path) -> None:
    other = load(case, path)
    given = some_input(case)
    expected = engine.infer([given])[0]
    engine.close()
    assert np.array_equal(other.infer([given])[0], expected)
    other.close()


def test_the_number_of_threads_changes_nothing_but_time(case: Case, path: Path) -> None:
    given = some_input(case)
    answers = []
    for threads in (1, 2):
        engine = load(case, path, threads)
        answers.append(real(engine, engine.infer([given])[0]))
        engine.close()
    np.testing.assert_allclose(answers[0], answers[1], rtol=1e-5, atol=1e-6)


def test_progress_goes_from_nothing_to_all(case: Case, path: Path) -> None:
    told: list[float] = []
    options = LoadOptions(extra=case.options)
    backend_of(case).load(path, options, lambda share, text: told.append(share)).close()
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_the_live_engine_outlives_its_file(case: Case, engine: Engine, path: Path) -> None:
    before = engine.infer([some_input(case)])[0]
    path.write_bytes(b"")
    assert np.array_equal(engine.infer([some_input(case)])[0], before)


# ------------------------------------------------------------------ files that cannot be loaded
def refuse(case: Case, path: Path) -> None:
    """Loading fails with one sentence."""
    with pytest.raises(EngineError, match=r"^cannot (load|serve) ") as caught:
        load(case, path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("content", [b"", b"\0" * 64, b"no model\n", b"\xff" * 4096])
def test_what_is_no_model_is_refused(case: Case, path: Path, content: bytes) -> None:
    path.write_bytes(content)
    refuse(case, path)


def test_a_file_of_another_format_is_refused(case: Case, path: Path) -> None:
    for other in CASES:
        if other.backend != case.backend:
            backend_of(other)
            path.write_bytes(other.data())
            refuse(case, path)


def test_a_missing_file_and_a_folder_are_refused(case: Case, tmp_path: Path) -> None:
    refuse(case, tmp_path / f"absent{backend_of(case).suffixes[0]}")
    refuse(case, tmp_path)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.99])
def test_a_truncated_file_is_refused(case: Case, path: Path, share: float) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    refuse(case, path)


def test_flipped_bits_end_in_an_answer_or_one_error(case: Case, path: Path) -> None:
    whole = path.read_bytes()
    chance = random.Random(3)
    refused = 0
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(chance.choice([1, 1, 4])):
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        error = damage_shown(case, path)
        assert "\n" not in error
        refused += bool(error)
    assert refused


def damage_shown(case: Case, path: Path) -> str:
    try:
        engine = load(case, path)
        engine.infer([np.zeros([n or 1 for n in t.shape], t.dtype) for t in engine.spec.inputs])
        engine.close()
    except EngineError as e:
        return str(e)
    return ""


def test_an_unknown_option_is_refused_with_the_known_ones(case: Case, path: Path) -> None:
    with pytest.raises(EngineError, match="'thraeds'"):
        backend_of(case).load(path, LoadOptions(extra={"thraeds": 1}), lambda _s, _t: None)


# ------------------------------------------------------------------ beside a live engine
def test_loading_in_another_thread_disturbs_no_answer(
    case: Case, engine: Engine, path: Path
) -> None:
    given = some_input(case)
    expected = engine.infer([given])[0]

    def load_again() -> None:
        for _ in range(10):
            other = load(case, path)
            assert np.array_equal(other.infer([given])[0], expected)
            other.close()

    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(load_again)
        while not loading.done():
            assert np.array_equal(engine.infer([given])[0], expected)
        loading.result()


def test_memory_comes_back_after_closing(case: Case, path: Path) -> None:
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None:
        pytest.skip("this C library has no malloc_trim")

    def cycle(times: int) -> int:
        for _ in range(times):
            engine = load(case, path)
            engine.infer([some_input(case)])
            engine.close()
        gc.collect()
        trim(0)
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    first = cycle(10)
    assert cycle(40) - first < 4 * 1024 * 1024

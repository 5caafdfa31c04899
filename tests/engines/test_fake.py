"""The shipped fake: it does what its file says, and fails exactly as it was told to."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgerund.engines.fake import FakeBackend
from edgerund.errors import EngineError
from edgerund.ports import Engine, LoadOptions
from tests.waiting import wait_for

IMAGE = np.zeros((1, 3, 2, 2), np.float32)
BASE: dict[str, Any] = {
    "inputs": [{"name": "image", "shape": [-1, 3, 2, 2]}],
    "outputs": [{"name": "scores", "shape": [-1, 4]}],
}


def write(folder: Path, **told: Any) -> Path:
    path = folder / "model.fake"
    path.write_text(json.dumps({**BASE, **told}))
    return path


def load(path: Path, **extra: object) -> Engine:
    return FakeBackend().load(path, LoadOptions(extra=extra), lambda _share, _text: None)


def test_each_byte_and_each_seed_gives_another_answer(tmp_path: Path) -> None:
    engine = load(write(tmp_path))
    other_image = IMAGE.copy()
    other_image[0, 2, 1, 1] = 1
    first = engine.infer([IMAGE])[0]
    assert not np.array_equal(first, engine.infer([other_image])[0])
    assert not np.array_equal(first, load(write(tmp_path), seed=1).infer([IMAGE])[0])


def test_one_class_stands_out_per_row(tmp_path: Path) -> None:
    engine = load(write(tmp_path, answer="one_hot"))
    images = np.random.default_rng(0).random((8, 3, 2, 2), dtype=np.float32)
    scores = engine.infer([images])[0]
    assert (np.sort(scores, axis=1) == [0, 0, 0, 10]).all()
    assert len(set(scores.argmax(1).tolist())) > 1


def test_fixed_values_are_repeated_for_every_frame(tmp_path: Path) -> None:
    engine = load(write(tmp_path, answer="values", values=[[1, 2, 3, 4]]))
    assert engine.infer([np.repeat(IMAGE, 2, axis=0)])[0].tolist() == [[1, 2, 3, 4]] * 2


def test_quantised_tensors_carry_their_scale(tmp_path: Path) -> None:
    outputs = [{"shape": [1, 2], "dtype": "int8", "scale": 0.5, "zero_point": 3}]
    engine = load(write(tmp_path, outputs=outputs, answer="values", values=[[200, -7.6]]))
    assert engine.infer([IMAGE])[0].tolist() == [[127, -8]]
    assert (engine.spec.outputs[0].scale, engine.spec.outputs[0].zero_point) == (0.5, 3)
    assert engine.spec.outputs[0].name == "output0"


def test_it_fails_after_the_calls_it_was_told(tmp_path: Path) -> None:
    engine = load(write(tmp_path, fail_after=2))
    engine.infer([IMAGE])
    engine.infer([IMAGE])
    with pytest.raises(EngineError, match="call 3 was told to fail"):
        engine.infer([IMAGE])


def test_it_answers_nan_after_the_calls_it_was_told(tmp_path: Path) -> None:
    engine = load(write(tmp_path, nan_after=1))
    assert np.isfinite(engine.infer([IMAGE])[0]).all()
    assert np.isnan(engine.infer([IMAGE])[0]).any()


def test_it_refuses_to_load_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"^cannot load model.fake: no such chip$"):
        load(write(tmp_path, fail_load="no such chip"))


def test_it_takes_the_memory_it_was_told(tmp_path: Path) -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    before = resident()
    engine = load(write(tmp_path, allocate_mb=64))
    assert resident() - before > 60 * 1024 * 1024
    engine.close()
    assert resident() - before < 16 * 1024 * 1024


RUN = (
    "import sys, numpy as np; from pathlib import Path\n"
    "from edgerund.engines.fake import FakeBackend; from edgerund.ports import LoadOptions\n"
    "print('loading', flush=True)\n"
    "engine = FakeBackend().load(Path(sys.argv[1]), LoadOptions(), lambda s, t: None)\n"
    "print('loaded', flush=True)\n"
    "for i in range(3): engine.infer([np.zeros((1, 3, 2, 2), np.float32)]); print(i, flush=True)\n"
)


@pytest.mark.parametrize(
    ("told", "said"), [({"crash_load": True}, 1), ({"crash_after": 0}, 2), ({"crash_after": 1}, 3)]
)
def test_it_takes_the_process_with_it(tmp_path: Path, told: dict[str, Any], said: int) -> None:
    code = f"import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n{RUN}"
    done = subprocess.run(
        [sys.executable, "-c", code, str(write(tmp_path, **told))], capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGABRT
    assert len(done.stdout.splitlines()) == said


@pytest.mark.parametrize(
    ("told", "last"), [({"hang_load": True}, "loading"), ({"hang_after": 1}, "0")]
)
def test_it_never_comes_back(tmp_path: Path, told: dict[str, Any], last: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(write(tmp_path, **told))], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        while process.stdout.readline().strip() != last:
            assert process.poll() is None
        # asleep in the kernel, not on its way to the next line
        stat = Path(f"/proc/{process.pid}/stat")
        wait_for(lambda: stat.read_text().split()[2] == "S", what="sleeping process")
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "must be a JSON object"),
        ("{", "it is no JSON"),
        ('{"inputs": []}', "inputs must list at least one"),
        (json.dumps({**BASE, "latency": 3}), "unknown key 'latency'|no option"),
        (json.dumps({**BASE, "latency_ms": -1}), "between 0 and"),
        (json.dumps({**BASE, "latency_ms": "fast"}), "must be a int"),
        (json.dumps({**BASE, "busy": 1}), "must be a bool"),
        (json.dumps({**BASE, "answer": "42"}), "known are hash"),
        (json.dumps({**BASE, "answer": "values"}), "one list per output"),
        (json.dumps({**BASE, "answer": "values", "values": [[1]]}), "has 1 numbers, not 4"),
        (json.dumps({**BASE, "answer": "values", "values": [["a"]]}), "is wrong"),
        (json.dumps({**BASE, "inputs": [{"shape": [0]}]}), "impossible shape"),
        (json.dumps({**BASE, "inputs": [{"shape": 3}]}), r"inputs\[0\] is wrong"),
        (json.dumps({**BASE, "inputs": [{"shape": [1], "dtype": "text"}]}), "known are float16"),
        ("[" * 100_000, "it is no JSON"),
    ],
)
def test_a_wrong_file_is_one_clear_error(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "model.fake"
    path.write_text(text)
    with pytest.raises(EngineError, match=words):
        load(path)


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
_keys = st.sampled_from(["inputs", "outputs", "answer", "values", "factor", "seed", "max_batch"])


@given(told=st.dictionaries(_keys, _json, max_size=4))
def test_no_file_raises_anything_else(
    tmp_path_factory: pytest.TempPathFactory, told: dict[str, Any]
) -> None:
    path = write(tmp_path_factory.mktemp("fake"), **told)
    try:
        engine = load(path)
    except EngineError:
        return
    given = [np.zeros([n or 1 for n in t.shape], t.dtype) for t in engine.spec.inputs]
    assert len(engine.infer(given)) == len(engine.spec.outputs)

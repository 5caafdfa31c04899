from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest

from edgerund.build.store import Store, Workplace
from edgerund.build.technique import Artifact

KEY = "k" * 64


def nobody() -> None:
    raise AssertionError("nobody else works here")


def fill(place: Workplace, text: str = "content") -> Artifact:
    path = place.folder / "model.onnx"
    path.write_text(text)
    return Artifact(path, "onnx", {"figure": 1.5}, ("made",))


def make(store: Store, key: str = KEY, text: str = "content") -> None:
    with store.work(key, nobody) as place:
        store.keep(place, "stage", fill(place, text), took_s=2.0)


def test_what_is_kept_is_found(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.find(KEY) is None
    make(store)
    found = Store(tmp_path).find(KEY)
    assert found is not None
    assert found.artifact.path.read_text() == "content"
    assert (found.stage, found.took_s, found.adopted) == ("stage", 2.0, False)
    assert (found.artifact.facts, found.artifact.how) == ({"figure": 1.5}, ("made",))
    assert list((tmp_path / "work").iterdir()) == []


def test_the_same_content_has_the_same_digest_under_another_key(tmp_path: Path) -> None:
    store = Store(tmp_path)
    make(store, "a")
    make(store, "b")
    make(store, "c", "other")
    digests = [e.digest for e in map(store.find, "abc") if e is not None]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("damage", ["change", "truncate", "remove", "entry"])
def test_a_damaged_entry_is_no_entry_and_can_be_made_again(tmp_path: Path, damage: str) -> None:
    store = Store(tmp_path)
    make(store)
    place = tmp_path / "entries" / KEY
    file = place / "files" / "model.onnx"
    if damage == "change":
        file.write_text("c0ntent")
    elif damage == "truncate":
        os.truncate(file, 3)
    elif damage == "remove":
        file.unlink()
    else:
        (place / "entry.json").write_text("{")
    assert store.find(KEY) is None
    make(store)
    assert store.find(KEY) is not None


def test_a_stage_that_fails_leaves_its_scratch_alone(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def stumble() -> None:
        with store.work(KEY, nobody) as place:
            fill(place)
            (place.scratch / "checkpoint").write_text("so far")
            raise RuntimeError("stumbled")

    with pytest.raises(RuntimeError, match="stumbled"):
        stumble()
    assert store.find(KEY) is None
    with store.work(KEY, nobody) as place:
        assert list(place.folder.iterdir()) == []
        assert (place.scratch / "checkpoint").read_text() == "so far"


def test_two_builds_of_one_key_wait_for_each_other(tmp_path: Path) -> None:
    order: list[str] = []
    waits, inside = threading.Event(), threading.Event()

    def second() -> None:
        inside.wait(30)
        with Store(tmp_path).work(KEY, waits.set):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with Store(tmp_path).work(KEY, nobody):
        inside.set()
        assert waits.wait(30)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]


def test_clean_lists_and_removes_what_nobody_used(tmp_path: Path) -> None:
    day = 86400.0
    now = [0.0]
    store = Store(tmp_path, clock=lambda: now[0])
    for i, key in enumerate(("old", "used")):
        make(store, key)
        os.utime(tmp_path / "entries" / key, (0, 0))
        assert i < 2
    now[0] = 20 * day
    assert store.find("used") is not None
    now[0] = 40 * day
    listed = store.clean(30, remove=False)
    assert [(r.key, r.stage, round(r.idle_days)) for r in listed] == [("old", "stage", 40)]
    assert store.find("old") is not None
    os.utime(tmp_path / "entries" / "old", (0, 0))
    with store.work("old", nobody):
        assert store.clean(30, remove=True) == []
    assert [r.key for r in store.clean(30, remove=True)] == ["old"]
    assert store.find("old") is None
    assert store.find("used") is not None


def test_a_full_disk_ends_the_build_and_leaves_nothing_half(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)],
        check=False,
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"needs the right to mount a small disk: {mounted.stderr.strip()}")
    try:
        store = Store(disk)
        make(store, "small")
        with (
            pytest.raises(OSError, match="No space left"),
            store.work(KEY, nobody) as place,
        ):
            (place.folder / "model.onnx").write_bytes(bytes(8 << 20))
        assert store.find(KEY) is None
        assert not (disk / "work" / KEY / "files").exists()
        assert store.find("small") is not None
    finally:
        subprocess.run(["umount", str(disk)], check=True)

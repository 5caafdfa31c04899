from __future__ import annotations

import json

import pytest
from hypothesis import given

from edgerund.observe.codec import (
    SCHEMA,
    Decoder,
    dump_decisions,
    dump_snapshot,
    encode,
    load_decisions,
    load_snapshot,
)
from edgerund.types import Decision, Reading, Snapshot
from edgerund.types.snapshot import Card
from tests.observe.strategies import several, snapshots


@given(snapshots)
def test_a_snapshot_comes_back_to_the_last_bit(snapshot: Snapshot) -> None:
    line = dump_snapshot(snapshot)
    assert "\n" not in line
    back = load_snapshot(line)
    assert back == snapshot
    assert dump_snapshot(back) == line


@given(several)
def test_decisions_come_back_to_the_last_bit(decisions: dict[str, Decision]) -> None:
    line = dump_decisions(decisions)
    assert load_decisions(line) == decisions
    assert dump_decisions(load_decisions(line)) == line


@pytest.mark.parametrize(
    "line", ["", "{", "null", "3", '"x"', "[]", "[1,2,3]", '{"a":1}', "[[],[],[],[]]"]
)
def test_what_is_no_snapshot_is_a_value_error(line: str) -> None:
    with pytest.raises(ValueError, match=r"cannot read|Expecting"):
        load_snapshot(line)


def test_a_field_that_an_older_version_lacked_takes_its_default() -> None:
    older = {**SCHEMA, "Card": ["accuracy", "latency_ms"]}
    assert Decoder(older).decode(Card, [0.5, 3.25]) == Card(accuracy=0.5, latency_ms=3.25)


def test_a_field_that_a_newer_version_added_is_left_out() -> None:
    newer = {**SCHEMA, "Reading": [*SCHEMA["Reading"], "colour"]}
    row = ["a", 1.5, "C", 0.1, "/f", "measured", "red"]
    assert Decoder(newer).decode(Reading, row) == Reading("a", 1.5, "C", 0.1, "/f")


def test_what_has_no_form_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot record a set"):
        encode(Snapshot(0.0, senses={"a": {1}}))  # type: ignore[dict-item]


def test_numbers_keep_their_kind() -> None:
    assert (
        json.dumps(encode(Card(memory_bytes=5, latency_ms=5.0)))
        == "[null, 5.0, null, null, 5, null, null, null, false]"
    )

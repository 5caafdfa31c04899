from __future__ import annotations

import multiprocessing
import threading
from pathlib import Path

import numpy as np
import pytest

from edgerund import errors
from edgerund.client import Client
from tests.client.conftest import Daemon
from tests.waiting import wait_for

FRAME = np.ones((4, 5, 3), np.uint8)


def test_an_answer_says_who_answered_and_why(client: Client) -> None:
    answer = client.infer(FRAME, colour="BGR", deadline_ms=500)
    assert answer.variant == "v1"
    assert answer.degraded
    assert answer.reason is not None
    assert (answer.reason.code, answer.reason.observed) == ("temperature", 81.0)
    assert answer.deadline == "met"
    assert answer.timings is not None
    assert answer.timings.total_us == 10
    assert answer.top == ("cat", 0.75)
    assert answer.labels == ("cat", "dog")
    assert answer.boxes.shape == (2, 4)
    assert answer.detections[0].box == (1.0, 2.0, 30.5, 40.0)
    assert answer.result["sum"] == 60
    assert answer.result["colour"] == "BGR"
    assert answer.round_trip_ms > 0
    assert not answer.resent


def test_a_request_without_deadline_has_no_outcome(client: Client) -> None:
    answer = client.infer(FRAME)
    assert answer.deadline is None
    assert answer.result["deadline_ms"] is None


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_jpeg_goes_as_it_is(client: Client, kind: type) -> None:
    data = kind(b"\xff\xd8\xff\xe0 and so on")
    assert client.infer(data).result["encoding"] == "jpeg"
    assert client.infer_jpeg(data, deadline_ms=100).result["encoding"] == "jpeg"


def test_tensors_come_back_as_read_only_arrays(client: Client) -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    answer = client.infer({"x": x, "y": x.astype(np.int64).T}, stream="tensor")
    assert answer.names == ("x", "y")
    np.testing.assert_array_equal(answer.outputs[0], x + 1)
    np.testing.assert_array_equal(answer.outputs[1], x.T + 1)
    assert not answer.outputs[0].flags.writeable
    assert answer.top is None
    single = client.infer([x, x], stream="tensor")
    assert len(single.outputs) == 2


def test_a_large_frame_travels_without_a_copy(client: Client) -> None:
    frame = np.ones((1080, 1920, 3), np.uint8)
    assert client.infer(frame).result["sum"] == frame.size


def test_a_frame_that_is_a_view_is_sent_as_seen(client: Client) -> None:
    frame = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    assert client.infer(frame[:, ::-1]).result["sum"] == frame.sum()
    assert client.infer(frame[::2, ::2, 1]).result["sum"] == frame[::2, ::2, 1].sum()


def test_a_submitted_frame_may_be_overwritten_at_once(client: Client) -> None:
    frame = np.ones((1000, 1000), np.uint8)
    flights = []
    for i in range(5):
        frame[:] = i
        flights.append(client.submit(frame))
    assert [f.result().result["sum"] for f in flights] == [i * 1_000_000 for i in range(5)]


def test_results_may_be_taken_in_any_order(client: Client) -> None:
    never = client.submit(FRAME, stream="never")
    first, second = client.submit(FRAME), client.submit(FRAME + 1)
    assert second.result().result["sum"] == 120
    assert first.result().result["sum"] == 60
    assert first.done()
    assert first.result().result["sum"] == 60  # asked again
    assert not never.done()


def test_map_keeps_the_order_of_frames(client: Client) -> None:
    frames = [np.full((2, 2), i, np.uint8) for i in range(20)]
    sums = [a.result["sum"] for a in client.map(frames, in_flight=3)]
    assert sums == [4 * i for i in range(20)]


def test_map_left_early_leaves_nothing_in_flight(client: Client) -> None:
    for answer in client.map([FRAME] * 10, in_flight=5):
        assert answer.variant == "v1"
        break
    assert client.infer(FRAME).variant == "v1"
    assert client.counters.garbage == 0


def test_describe_and_ping(client: Client) -> None:
    assert client.describe() == {"ladder": "test"}
    assert client.ping() > 0


@pytest.mark.parametrize("code", sorted(errors.WIRE_ERRORS))
def test_every_wire_code_becomes_its_exception(client: Client, code: str) -> None:
    with pytest.raises(errors.WIRE_ERRORS[code], match="the test said so") as caught:
        client.infer(FRAME, stream=f"error {code}")
    assert type(caught.value) is errors.WIRE_ERRORS[code]


def test_a_request_never_answered_ends_in_no_answer_and_the_client_goes_on(client: Client) -> None:
    with pytest.raises(errors.NoAnswer, match=r"within 0\.05 s"):
        client.infer(FRAME, stream="never", timeout_s=0.05)
    assert client.infer(FRAME).variant == "v1"


def test_a_reply_that_comes_too_late_is_dropped(client: Client) -> None:
    with pytest.raises(errors.NoAnswer):
        client.infer(FRAME, stream="hold", timeout_s=0.02)
    assert client.infer(FRAME).result["sum"] == 60
    assert client.counters.stray == 1


@pytest.mark.parametrize(
    ("stream", "stray", "garbage"), [("twice", 1, 0), ("garbage", 0, 3), ("stray", 1, 0)]
)
def test_what_nobody_asked_for_is_counted_and_dropped(
    client: Client, stream: str, stray: int, garbage: int
) -> None:
    assert client.infer(FRAME, stream=stream).variant == "v1"
    assert client.infer(FRAME).variant == "v1"
    assert (client.counters.stray, client.counters.garbage) == (stray, garbage)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\x89PNG",
        np.zeros((0, 3), np.uint8),
        np.array(["a"]),
        [],
        {},
        None,
        "frame.jpg",
        [1, 2],
    ],
)
def test_what_cannot_travel_is_refused_before_it_is_sent(client: Client, frame: object) -> None:
    with pytest.raises(errors.BadRequest, match=r"^cannot send"):
        client.infer(frame)  # type: ignore[arg-type]
    assert client.counters.asked == 0


def test_a_deadline_that_is_no_number_is_refused_before_it_is_sent(client: Client) -> None:
    with pytest.raises(errors.BadRequest):
        client.infer(FRAME, deadline_ms=float("nan"))
    assert client.infer(FRAME).variant == "v1"


def test_no_more_than_the_limit_are_in_flight(shared_daemon: Daemon) -> None:
    with Client(endpoint=shared_daemon.endpoint, max_in_flight=2) as client:
        first, second = (client.submit(FRAME, stream="never") for _ in range(2))
        with pytest.raises(errors.Busy, match="2 are in flight"):
            client.submit(FRAME)
        first.cancel()
        with pytest.raises(errors.NoAnswer, match="nobody waits"):
            first.result()
        third = client.submit(FRAME)
        assert third.result().variant == "v1"
        third.cancel()  # done already: nothing happens
        assert third.result().variant == "v1"
        assert not second.done()


def test_closing_ends_what_is_in_flight_and_may_be_repeated(shared_daemon: Daemon) -> None:
    client = Client(endpoint=shared_daemon.endpoint)
    flight = client.submit(FRAME, stream="never")
    client.close()
    client.close()
    with pytest.raises(errors.NoAnswer, match="closed"):
        flight.result()
    with pytest.raises(errors.UsageError, match="closed"):
        client.infer(FRAME)


def test_a_client_that_was_never_used_costs_nothing(tmp_path: Path) -> None:
    with Client("absent", runtime_dir=tmp_path) as client:
        assert client.endpoint == f"ipc://{tmp_path}/absent.sock"


def test_a_second_thread_is_told_to_make_its_own(client: Client) -> None:
    client.infer(FRAME)
    caught: list[BaseException] = []

    def other() -> None:
        try:
            client.infer(FRAME)
        except errors.UsageError as e:
            caught.append(e)

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert "two threads" in str(caught[0])


def _in_child(client: Client, endpoint: str, results: object) -> None:
    try:
        client.infer(FRAME)
    except errors.UsageError as e:
        results.put(str(e))  # type: ignore[attr-defined]
    client.close()
    with Client(endpoint=endpoint, timeout_s=20) as own:
        results.put(own.infer(FRAME).variant)  # type: ignore[attr-defined]


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
def test_a_forked_child_is_told_to_make_its_own_and_can(client: Client) -> None:
    client.infer(FRAME)
    fork = multiprocessing.get_context("fork")
    results = fork.SimpleQueue()
    child = fork.Process(target=_in_child, args=(client, client.endpoint, results))
    child.start()
    child.join(20)
    assert child.exitcode == 0
    assert "fork" in results.get()
    assert results.get() == "v1"
    assert client.infer(FRAME).variant == "v1"  # the parent's own is untouched


def test_an_address_that_makes_no_sense_is_named() -> None:
    with (
        Client(endpoint="carrier pigeon") as client,
        pytest.raises(errors.UsageError, match="carrier pigeon"),
    ):
        client.infer(FRAME)


def test_no_descriptor_is_left_behind(shared_daemon: Daemon) -> None:
    def use() -> int:
        with Client(endpoint=shared_daemon.endpoint, timeout_s=20) as c:
            c.infer(FRAME)
        return len(list(Path("/proc/self/fd").iterdir()))

    first = max(use() for _ in range(3))
    for _ in range(30):
        use()
    wait_for(lambda: use() <= first + 2, what="descriptors given back")

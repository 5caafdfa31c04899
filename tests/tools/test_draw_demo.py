"""The picture of a demo run: every swap of the run is in it, and it is valid XML."""

from __future__ import annotations

from xml.etree import ElementTree

from tools.draw_demo import draw, read

RUN = """\
starting a daemon on cifar10: fp16, small
  0.2 s  fp16           accuracy so far 100.0 %  latency         -   61.8 C  11.5 W  battery  64 %  in the shade
  9.1 s  fp16           accuracy so far  94.9 %  latency   3.91 ms   78.1 C  11.5 W  battery  60 %  sun
  9.5 s  fp16 -> small: temp_c 78.5 C forecast to reach 81.0 C in 3 s; limit 80.0 C & no more
 20.0 s  small          accuracy so far  91.5 %  latency   1.00 ms   54.9 C   3.7 W  battery  55 %  in the shade

swaps, each with the reason that the replies carried:
    9.5 s  fp16 -> small: temp_c 78.5 C forecast to reach 81.0 C in 3 s; limit 80.0 C & no more
"""


def test_the_run_is_read_once() -> None:
    moments, swaps = read(RUN)
    assert [(m.at_s, m.variant, m.temp_c, m.battery_percent) for m in moments] == [
        (0.2, "fp16", 61.8, 64.0),
        (9.1, "fp16", 78.1, 60.0),
        (20.0, "small", 54.9, 55.0),
    ]
    assert [(s.at_s, s.before, s.after) for s in swaps] == [(9.5, "fp16", "small")]


def test_the_picture_names_variants_and_reasons() -> None:
    words = [e.text for e in ElementTree.fromstring(draw(*read(RUN))).iter() if e.text]
    assert {"fp16", "small"} <= set(words)
    assert (
        "9.5 s  fp16 → small: temp_c 78.5 C forecast to reach 81.0 C in 3 s; limit 80.0 C & no more"
        in words
    )

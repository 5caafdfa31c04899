from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from edgerund.build.report import Build, Entry, write_report
from edgerund.build.report.compare import Comparison
from edgerund.build.report.guideline import what_paid, which_when
from edgerund.build.report.scatter import Point, scatter
from edgerund.profile.figures import Energy, Figures, Latency

SVG = "{http://www.w3.org/2000/svg}"


def figures(
    name: str, accuracy: float | None, p50_ms: float, kb: float, energy_mj: float | None = None
) -> Figures:
    good = 0.0 if accuracy is None else accuracy
    return Figures(
        name=name,
        backend="onnxruntime",
        runtime="onnxruntime 1.20",
        accuracy=accuracy,
        metric="top1",
        images=1000,
        dataset="drawn shapes",
        robust={"noise 1": good - 0.1, "noise 3": good - 0.5, "blur 1": good - 0.03},
        robust_images=200,
        latencies=(Latency(1, p50_ms, p50_ms * 1.3, p50_ms * 0.9, p50_ms, 500, 7, 50, 0.01),),
        load_ms=12.5,
        warmup_ms=2.0,
        memory_bytes=4_321_000,
        peak_bytes=5_000_000,
        energy=Energy(
            mj=energy_mj,
            source="VDD_IN" if energy_mj else "",
            reason="" if energy_mj else "no power rail",
            estimate_mj=p50_ms,
            formula="estimate: processor time x 1 W",
        ),
        file_bytes=int(kb * 1000),
        sha256="c0" * 32,
    )


def made(**energy: float) -> Build:
    """A tower of techniques: some pay, some do not, one fails, one is only a torch model."""
    e = energy.get
    sensitivity = [
        {"layer": "/a/Conv", "output_error": 0.071, "float": True},
        {"layer": "/b/<Conv>", "output_error": 0.013, "float": False},
    ]
    entries = (
        Entry("top", "train", how=("trained for an hour",)),
        Entry("top_onnx", "export", ("top",), figures("top_onnx", 0.94, 2.4, 7900, e("top"))),
        Entry(
            "fp16",
            "fp16",
            ("top_onnx",),
            figures("fp16", 0.9401, 2.41, 3950, e("top")),
            chosen=True,
        ),
        Entry(
            "int8", "int8", ("top_onnx",), figures("int8", 0.938, 0.6, 2000, e("int8")), chosen=True
        ),
        Entry(
            "slow8",
            "int8_dynamic",
            ("top_onnx",),
            figures("slow8", 0.93, 3.1, 7800, e("top")),
            dominated_by="int8",
        ),
        Entry(
            "mixed",
            "mixed",
            ("top_onnx",),
            figures("mixed", 0.935, 0.9, 2500, e("top")),
            facts={"sensitivity": sensitivity, "kept_float": ["/a/Conv"]},
            dominated_by="int8",
        ),
        Entry("half", "prune", ("top", "top"), how=("half of the channels",)),
        Entry("half_onnx", "export", ("half",), figures("half_onnx", 0.92, 1.2, 4000, e("top"))),
        Entry(
            "half8",
            "int8",
            ("half_onnx",),
            figures("half8", 0.915, 0.3, 1000, e("half8")),
            chosen=True,
            variant="half-int8",
            how=("half of the channels", "then INT8 <static>"),
        ),
        Entry("tucker", "lowrank", ("top_onnx",), failed="cannot part <Conv>: its kernel is 1 x 1"),
    )
    return Build(
        "shapes", "classify", entries, "top_onnx", "a board with 2 cores",
        {"edgerund": "0.1", "onnxruntime": "1.20"}, "drawn shapes", "2026-01-02T03:04+00:00", 7,
        "edgerund build recipe.yaml", ("the machine was busy",),
    )  # fmt: skip


def written(build: Build, folder: Path) -> tuple[str, str]:
    files = write_report(build, folder, pictures=True)
    return files.html.read_text(), files.markdown.read_text()


def tree_of(page: str) -> ET.Element:
    """The page is written so that an XML parser takes it, doctype apart: nothing is left open."""
    return ET.fromstring(page.removeprefix("<!doctype html>"))


def test_the_page_is_well_formed_and_fetches_nothing(tmp_path: Path) -> None:
    page, _ = written(made(), tmp_path)
    tree = tree_of(page)
    assert "".join(tree.find("body").itertext()).strip()  # type: ignore[union-attr]
    names = {element.tag.rpartition("}")[2] for element in tree.iter()}
    assert not names & {"script", "link", "img", "iframe", "object", "image", "use"}
    # the namespace of SVG is a name, not an address that is opened
    rest = page.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|url\(|@import|src=", rest)


def test_every_figure_of_every_variant_is_in_page_and_markdown(tmp_path: Path) -> None:
    build = made(top=9.1, int8=2.2, half8=1.1)
    page, text = written(build, tmp_path)
    for shown in (page, text):
        plain = shown.replace("\N{NO-BREAK SPACE}", " ")
        for wanted in (
            "94.01 %",
            "93.80 %",
            "91.50 %",
            "0.6",
            "0.78",
            "2.00 MB",
            "4.32 MB",
            "12.5",
            "9.1",
            "2.2",
            "1.1",
        ):
            assert wanted in plain, wanted
        for said in (
            "half-int8",
            "a board with 2 cores",
            "drawn shapes",
            "edgerund build recipe.yaml",
            "the machine was busy",
        ):
            assert said in plain, said


def test_failed_and_useless_techniques_are_shown_with_their_reason(tmp_path: Path) -> None:
    page, text = written(made(), tmp_path)
    rows = {
        next(cell.itertext(), ""): ["".join(c.itertext()) for c in row]
        for row in tree_of(page).iter("tr")
        for cell in list(row)[:1]
    }
    assert rows["tucker"][-1] == "cannot part <Conv>: its kernel is 1 x 1"
    assert rows["tucker"][-2] == "failed"
    assert rows["slow8"][-2:] == ["does not pay", "beaten by int8"]
    assert rows["fp16"][-2:] == ["smaller only", "variant"]
    assert rows["half"][-2:] == ["pays", "part of half-int8"]
    assert "cannot part <Conv>: its kernel is 1 x 1" in text


def test_a_torch_stage_is_compared_by_what_was_exported_from_it() -> None:
    comparison = Comparison(made())
    step = comparison.step(comparison.build.entry("half"))
    assert step is not None
    assert (step.before.name, step.after.name) == ("top_onnx", "half_onnx")
    assert step.speedup == pytest.approx(2.0)
    assert comparison.step(comparison.build.entry("top_onnx")) is None
    assert comparison.step(comparison.build.entry("tucker")) is None


def test_the_guideline_follows_the_figures() -> None:
    build = made()
    first = " ".join(which_when(Comparison(build)))
    assert "Nothing presses: `fp16`" in first
    assert "`int8`, 4.02" in first.replace("\N{MULTIPLICATION SIGN}", "")
    assert "withstands noise" in first
    # turned round: INT8 slower and better, and the advice turns with it
    swap = {"fp16": figures("fp16", 0.93, 0.4, 3950), "int8": figures("int8", 0.95, 3.0, 2000)}
    turned = replace(
        build,
        entries=tuple(replace(e, figures=swap.get(e.stage, e.figures)) for e in build.entries),
    )
    other = " ".join(which_when(Comparison(turned)))
    assert "Nothing presses: `int8`" in other
    assert "`fp16` at 93.00" in other
    told = {line.split("`")[1]: line for line in what_paid(Comparison(turned))}
    assert "6" in told["fp16"]
    assert "pays" in told["fp16"]
    assert "slower" in told["int8_dynamic"]


def test_energy_is_never_shown_as_measured_where_it_was_estimated(tmp_path: Path) -> None:
    page, text = written(made(), tmp_path)
    assert "Energy was not measured" in page
    assert "energy mJ, estimated" in text
    assert "~0.6" in page
    assert not any(p.name == "energy.svg" for p in (tmp_path / "report").iterdir())
    files = write_report(made(top=9.0, int8=2.0, half8=1.0), tmp_path / "other", pictures=True)
    assert "energy.svg" in {p.name for p in files.pictures}
    assert "Energy was not measured" not in files.html.read_text()


def test_pictures_stand_beside_the_markdown_and_are_well_formed(tmp_path: Path) -> None:
    files = write_report(made(), tmp_path, pictures=True)
    shown = re.findall(r"!\[.*?\]\((.*?)\)", files.markdown.read_text())
    assert {tmp_path / name for name in shown} == set(files.pictures)
    for picture in files.pictures:
        assert ET.fromstring(picture.read_text()).tag == f"{SVG}svg"
    names = {p.stem for p in files.pictures}
    assert {"latency", "size", "robust", "sensitivity-mixed"} <= names


def test_without_any_variant_the_page_says_so(tmp_path: Path) -> None:
    entry = Entry("only", "int8", failed="cannot quantize: no weights")
    page, text = written(Build("none", "classify", (entry,), "only"), tmp_path)
    assert "cannot quantize: no weights" in page
    assert "No variant" in text


def test_labels_of_a_crowded_chart_keep_clear_of_each_other() -> None:
    crowd = [
        Point(f"variant_{i}", 1 + 0.02 * i, 0.9 + 0.001 * (i % 5), "chosen") for i in range(14)
    ]
    texts = [
        (float(t.get("x", 0)), float(t.get("y", 0)), t.text or "")
        for t in ET.fromstring(scatter(crowd, "ms", "accuracy")).iter(f"{SVG}text")
        if (t.get("class") or "").startswith("name")
    ]
    assert len(texts) >= 10
    for i, (x, y, text) in enumerate(texts):
        for other_x, other_y, other in texts[i + 1 :]:
            apart = (
                abs(y - other_y) >= 14
                or x + 6.7 * len(text) <= other_x
                or other_x + 6.7 * len(other) <= x
            )
            assert apart, (text, other)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_charts_of_few_or_equal_points_are_drawn(count: int) -> None:
    ET.fromstring(scatter([Point("a", 1.0, 0.5)] * count, "ms", "accuracy"))

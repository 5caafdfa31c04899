"""A ladder with one ONNX network whose input is 602 kB and whose work is next to nothing, for ``bench --baseline``.

``python -m tools.make_bench_model FOLDER`` writes ``FOLDER/ladder.yaml``; then ``edgerund bench FOLDER --baseline``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.engines.onnx_bytes import model, node, value

SHAPE = (1, 3, 224, 224)
LADDER = """\
ladder: bench
task: tensor
variants:
- {name: mean, file: mean.onnx}
"""


def main() -> None:
    """Write the two files."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_bench_model", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    network = model(
        [
            node("GlobalAveragePool", ["image"], ["pooled"]),
            node("Flatten", ["pooled"], ["means"], axis=1),
        ],
        [value("image", SHAPE)],
        [value("means", [1, SHAPE[1]])],
    )
    (folder / "mean.onnx").write_bytes(network)
    (folder / "ladder.yaml").write_text(LADDER, encoding="utf-8")
    print(f"{folder}: input float32 {list(SHAPE)}")


if __name__ == "__main__":
    main()

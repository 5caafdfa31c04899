"""A network that was exported, also in INT8, comes back as one that trains on and folds to the same file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (TRAIN=1 tools/test)")

import onnx  # noqa: E402 - after torch is known to be there

from tools.cifar10.export import fold, to_onnx  # noqa: E402
from tools.cifar10.nets import LAYOUTS, ConvNet  # noqa: E402
from tools.cifar10.restore import difference, folded, restore  # noqa: E402

BUNDLED = Path(__file__).parents[2] / "variants" / "cifar10"


def pictures(count: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 256, (count, 3, 8, 8), dtype=np.uint8)
    return np.asarray(coarse.repeat(4, axis=2).repeat(4, axis=3))


def used(layout: str) -> ConvNet:
    """A network whose batch norms have seen pictures."""
    torch.manual_seed(2)
    model = ConvNet(LAYOUTS[layout])
    pixels = torch.from_numpy(pictures(64)).float() / 255
    model.set_whitening(pixels, 2e-3)
    model.train()
    with torch.no_grad():
        for parameter in model.blocks.parameters():
            if parameter.dim() == 1 and parameter.requires_grad:
                parameter.normal_(0, 0.2)
        for _ in range(20):
            model(pixels)
    model.eval()
    return model


@pytest.mark.parametrize("layout", ["top", "small"])
def test_an_exported_network_answers_as_before_and_folds_to_the_same_weights(layout: str) -> None:
    before = used(layout)
    net = folded(to_onnx(fold(before), layout), LAYOUTS[layout])
    after = restore(net, LAYOUTS[layout], pictures(64))
    assert difference(after, net) < 1e-5
    pixels = torch.from_numpy(pictures(16)).float() / 255
    with torch.no_grad():
        assert torch.allclose(after(pixels), before(pixels), rtol=1e-3, atol=1e-4)


def test_batch_norms_know_the_mean_of_their_layer() -> None:
    net = folded(to_onnx(fold(used("tiny")), "tiny"), LAYOUTS["tiny"])
    model = restore(net, LAYOUTS["tiny"], pictures(64))
    pixels = torch.from_numpy(pictures(64)).float() / 255
    with torch.no_grad():
        x = torch.relu(model.whiten(model.normalize(pixels)))
        for block in model.blocks:
            y = block.conv(x)
            y = torch.max_pool2d(y, 2) if block.pool else y
            assert torch.allclose(block.norm.running_mean, y.mean((0, 2, 3)), atol=1e-5)
            x = block(x)


def test_a_variant_of_the_bundled_ladder_comes_back() -> None:
    net = folded(onnx.load(BUNDLED / "tiny-int8.onnx"), LAYOUTS["tiny"])
    assert difference(restore(net, LAYOUTS["tiny"], pictures(64)), net) < 1e-5


def test_another_network_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot restore: 6 convolutions"):
        folded(onnx.load(BUNDLED / "small-int8.onnx"), LAYOUTS["top"])

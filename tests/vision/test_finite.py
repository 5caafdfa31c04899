from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgerund.vision.finite import all_finite
from tests.vision.plans import Array


@given(
    st.sampled_from([np.float16, np.float32, np.float64]).flatmap(
        lambda d: hnp.arrays(d, hnp.array_shapes(max_dims=3, min_side=0))
    )
)
def test_it_agrees_with_isfinite(array: Array) -> None:
    assert all_finite(array) == bool(np.isfinite(array).all())


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_bad_element_is_found(dtype: type, bad: float) -> None:
    array: Array = np.zeros((3, 50, 50), dtype)
    assert all_finite(array)
    array[2, 49, 49] = bad
    assert not all_finite(array)


def test_the_largest_values_are_finite() -> None:
    for dtype in (np.float16, np.float32, np.float64):
        assert all_finite(np.full(1000, np.finfo(dtype).max))
        assert all_finite(np.full(1000, np.finfo(dtype).min))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, np.bool_])
def test_whole_numbers_always_are(dtype: type) -> None:
    assert all_finite(np.ones(4, dtype))

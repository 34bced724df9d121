import numpy as np
import pytest

from common.data.sorting import counting_sort


@pytest.mark.parametrize("num_elements", [0, 1, 1000])
def test_elements_are_sorted_by_key_in_their_order_and_those_without_one_left_out(num_elements):
    keys = np.random.default_rng(1).integers(-1, 9, num_elements)
    starts, places = counting_sort(keys, 12)
    there = np.flatnonzero(keys >= 0)
    order = there[keys[there].argsort(kind="stable")]
    assert places[order].tolist() == list(range(len(order)))
    assert starts.tolist() == [int((keys[there] < key).sum()) for key in range(13)]

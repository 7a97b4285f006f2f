import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.reporting.grouping import Matrix, clusters, unit


def sets(found: list[list[int]]) -> set[frozenset[int]]:
    return {frozenset(members) for members in found}


def by_hand(likeness: Matrix, least: float) -> set[frozenset[int]]:
    """Average linkage as its definition has it: join the two nearest until none are near."""
    found = [[row] for row in range(len(likeness))]
    while len(found) > 1:
        pairs = [
            (float(likeness[np.ix_(a, b)].mean()), n, m)
            for n, a in enumerate(found)
            for m, b in enumerate(found[:n])
        ]
        best, n, m = max(pairs)
        if best < least:
            break
        found[m] = found[m] + found.pop(n)
    return sets(found)


def test_two_bundles_and_a_loner_are_told_apart() -> None:
    rows = unit(np.array([[1, 0.1, 0], [1, 0, 0], [0, 1, 0], [0.1, 1, 0], [0, 0, 1]], np.float32))
    assert sets(clusters(rows @ rows.T, least=0.5)) == {
        frozenset({0, 1}),
        frozenset({2, 3}),
        frozenset({4}),
    }


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.sampled_from([-0.5, 0.0, 0.3, 0.7, 0.95]))
def test_the_chain_finds_the_clusters_of_the_definition(
    seed: int, count: int, least: float
) -> None:
    rows = unit(np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32))
    likeness = rows @ rows.T
    assert sets(clusters(likeness, least=least)) == by_hand(likeness, least)


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_and_one_are_no_trouble(count: int) -> None:
    assert clusters(np.ones((count, count), np.float32), least=0.1) == [[0]] * count


def test_a_row_of_zeros_stays_alone() -> None:
    rows = unit(np.array([[0, 0], [1, 0], [1, 0]], np.float32))
    assert sets(clusters(rows @ rows.T, least=0.1)) == {frozenset({0}), frozenset({1, 2})}

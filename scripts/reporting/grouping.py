"""Which questions ask for the same thing: average-linkage clustering, in numpy."""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]


def unit(rows: Matrix) -> Matrix:
    """The rows at length 1; a row of zeros stays."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: Matrix = (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return scaled


def clusters(likeness: Matrix, *, least: float) -> list[list[int]]:
    """The rows whose average likeness to each other is at least so much, together.

    Agglomerative with average linkage, by chains of nearest neighbours (Murtagh 1983): time and
    space grow with the square of the rows.

    Args:
        likeness: symmetric.
        least: clusters that are less alike stay apart.

    Returns:
        Row numbers, each in one cluster.
    """
    like = likeness.astype(np.float32, copy=True)
    np.fill_diagonal(like, -np.inf)
    members = [[row] for row in range(len(like))]
    waiting, done = set(range(len(like))), []
    chain: list[int] = []
    while waiting:
        if not chain:
            chain.append(min(waiting))
        last = chain[-1]
        nearest = int(np.argmax(like[last]))
        if like[last, nearest] < least:  # a merger of others is no nearer than its parts are now
            chain.pop()
            waiting.discard(last)
            done.append(members[last])
        elif len(chain) > 1 and like[last, chain[-2]] >= like[last, nearest]:
            into = chain[-2]
            del chain[-2:]
            waiting.discard(last)
            _merge(like, members, last, into=into)
        else:
            chain.append(nearest)
    return done


def _merge(like: Matrix, members: list[list[int]], one: int, *, into: int) -> None:
    """Average linkage, by the formula of Lance and Williams (1967)."""
    a, b = len(members[one]), len(members[into])
    row = (a * like[one] + b * like[into]) / (a + b)
    row[[one, into]] = -np.inf
    like[into, :] = like[:, into] = row
    like[one, :] = like[:, one] = -np.inf
    members[into] = members[into] + members[one]
    members[one] = []

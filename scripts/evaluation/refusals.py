"""Telling questions that the docs do not cover by the cosine of the nearest passage."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from scripts.evaluation.measuring import Measured
from scripts.evaluation.metrics import Estimate, auroc, estimate, threshold


class Refusals(NamedTuple):
    """What a threshold does.

    Attributes:
        threshold: a question whose nearest passage is below it is refused.
        wrongly: the share of refused questions among those that the docs answer.
        rightly: among the others.
        auroc: how likely an answerable question is nearer than another one; .5 is chance.
    """

    threshold: float
    wrongly: Estimate
    rightly: Estimate
    auroc: float

    def sentence(self) -> str:
        """For a person."""
        return (
            f"Refuses {_percent(self.rightly)} of the questions that the docs do not cover and"
            f" {_percent(self.wrongly)} of those that they answer; AUROC {self.auroc:.2f}."
        )


def refusals(measured: Sequence[Measured], *, lost: float) -> Refusals | None:
    """The greatest threshold in hundredths that refuses at most the share `lost` of good questions.

    None where there are not both kinds of questions.
    """
    known = [one.cosine for one in measured if one.query.answerable]
    others = [one.cosine for one in measured if not one.query.answerable]
    if not (known and others):
        return None
    limit = math.floor(threshold(known, lost=lost) * 100) / 100  # as a person would set it
    return Refusals(
        limit,
        estimate([float(cosine < limit) for cosine in known]),
        estimate([float(cosine < limit) for cosine in others]),
        auroc(known, others),
    )


def _percent(share: Estimate) -> str:
    return f"{share.mean:.0%} [{share.low:.0%}, {share.high:.0%}] ({share.n} asked)"

"""The agreement of models that answer with numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from canary._canary import custom

if TYPE_CHECKING:
    from canary._canary import Guardrail, Pair


@dataclass(frozen=True)
class _Close:
    """Whether the numbers of a pair differ by no more than a tolerance."""

    tolerance: float

    def __call__(self, pair: Pair) -> float:
        """Score a pair."""
        stable, canary = (float(half[0]) for half in (pair.stable, pair.canary))
        return float(stable == canary or abs(stable - canary) <= self.tolerance)


def numeric_agreement(  # noqa: PLR0913 - a keyword argument each
    tolerance: float,
    at_least: float,
    *,
    name: str = "numeric agreement",
    proven_above: float | None = None,
    share: float = 1.0,
    minimum: int | None = None,
    action: Literal["rollback", "pause", "warn"] | None = None,
) -> Guardrail:
    """Hold the share of inputs for which both models answer the same number, within a tolerance, at or over `at_least`.

    The client reads the numbers by `Client(…, prediction="number")`. An answer that is not a number is an error, which
    the run raises.

    Args:
        tolerance: The greatest difference of two numbers that agree, in the unit of the model's output.
        at_least: The smallest acceptable share, from 0 to 1.
        name: Its name in verdicts.
        proven_above: When given, promotion waits until a share of this or less is excluded.
        share: Its part of the plan's alpha, relative to the others.
        minimum: The least number of pairs in each step, 20 unless given; see `Guardrail.minimum`.
        action: The consequence of an alarm: `rollback` (unless given), `pause` or `warn`; see `Guardrail.action`.

    Example:
        >>> from canary import numeric_agreement
        >>> numeric_agreement(0.5, 0.9).to_dict()
        {'custom': {'atLeast': 0.9}, 'name': 'numeric agreement'}
    """
    if not tolerance >= 0:
        raise ValueError(f"tolerance is {tolerance}; give 0 or more, in the unit of the model's output")
    score = _Close(float(tolerance))
    return custom(name, score, at_least, proven_above=proven_above, share=share, minimum=minimum, action=action)

//! Common sequences of weights.

use super::Percent;

/// Equal steps up to 100.
pub(super) fn linear(by: Percent) -> impl Iterator<Item = Percent> {
    let by = least(by).thousandths();
    up_to_all((1..).map(move |n| Percent::from_thousandths(n * by)))
}

/// Steps that multiply, up to 100.
pub(super) fn exponential(first: Percent, factor: u32) -> impl Iterator<Item = Percent> {
    let factor = u64::from(factor.max(2));
    let times = move |weight: &Percent| {
        weight.thousandths().checked_mul(factor).map(Percent::from_thousandths)
    };
    up_to_all(std::iter::successors(Some(least(first)), times))
}

/// The weights below 100, and then 100.
fn up_to_all(weights: impl Iterator<Item = Percent>) -> impl Iterator<Item = Percent> {
    weights.take_while(|weight| *weight < Percent::ALL).chain([Percent::ALL])
}

/// The first weight of a sequence: 1 % in place of none, which would never grow.
fn least(weight: Percent) -> Percent {
    if weight.is_none() { 1.into() } else { weight }
}

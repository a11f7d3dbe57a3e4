//! The weights of a rule that give the canary its share.

use super::{
    super::plan::{Percent, Split},
    arms::canary_entry,
    located::Located,
    ops::Ops,
    route_of::RouteOf,
};
use crate::{Error, Result};
use serde_json::Value;

/// The largest weight, by the Gateway API's limit for `backendRefs[].weight`; Istio's is larger.
const LARGEST: u64 = 1_000_000;

/// The weights that give the canary its share of what both versions have together, while every other destination keeps
/// its share of the whole: first those of the entries that are there, then the canary's.
///
/// They are percent where all are whole numbers of percent, and else the smallest whole numbers.
fn weights_at(located: &Located, split: Split) -> (Vec<u64>, u64) {
    let (whole, canary) =
        (Percent::ALL.thousandths(), split.canary.min(Percent::ALL).thousandths());
    let both = located.weights.iter().sum::<u64>() - located.others();
    let mut weights: Vec<u64> = located.weights.iter().map(|weight| weight * whole).collect();
    let mut part = both * canary;
    weights[located.stable] = both * whole - part;
    if let Some(place) = located.canary {
        weights[place] = part;
    }
    let divisor = weights.iter().fold(part, |divisor, weight| gcd(divisor, *weight)).max(1);
    let total = weights.iter().sum::<u64>() + if located.canary.is_none() { part } else { 0 };
    // Without any weight there is no share to keep.
    let sum = total / divisor;
    let factor = if sum > 0 && 100 % sum == 0 { 100 / sum } else { 1 };
    for weight in weights.iter_mut().chain([&mut part]) {
        *weight = *weight / divisor * factor;
    }
    (weights, part)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Writes the weights of a split into a rule; an entry for the canary is added where it needs one, and `drop_canary` takes
/// it out when it gets nothing. The result says whether an entry was added.
///
/// # Errors
/// [`Error::Plan`] when a weight is larger than the mesh takes.
pub(super) fn write(
    of: RouteOf<'_>,
    ops: &mut Ops,
    rule: &Value,
    located: &Located,
    split: Split,
    drop_canary: bool,
) -> Result<bool> {
    let (weights, canary) = weights_at(located, split);
    if let Some(large) = weights.iter().chain([&canary]).find(|weight| **weight > LARGEST) {
        return Err(Error::Plan(format!(
            "{}: {} cannot give {} {} % while its other destinations keep their shares: that needs a weight of {large}, and \
             the largest is {LARGEST}; give the destinations smaller weights",
            of.title(),
            of.place(located.rule),
            of.plan.canary,
            split.canary
        )));
    }
    let entries = format!("{}/{}", of.pointer(located.rule), of.entries_field());
    let both = [Some(located.stable), located.canary];
    let drop_canary = drop_canary && split.canary.is_none();
    for (place, weight) in weights.into_iter().enumerate() {
        // The last operations: a removal moves the places behind it.
        let dropped = drop_canary && located.canary == Some(place);
        if !dropped && (both.contains(&Some(place)) || weight != located.weights[place]) {
            ops.add(format!("{entries}/{place}/weight"), weight);
        }
    }
    match located.canary {
        Some(place) if drop_canary => {
            ops.remove(format!("{entries}/{place}"));
        }
        None if !split.canary.is_none() => {
            let mut entry = canary_entry(of, &of.entries(rule)[located.stable]);
            entry.insert("weight".to_owned(), canary.into());
            ops.add(format!("{entries}/-"), entry);
            return Ok(true);
        }
        _ => {}
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(weights: &[u64], canary: Option<usize>, share: impl Into<Percent>) -> (Vec<u64>, u64) {
        let located =
            Located { rule: 0, stable: 0, canary, split: None, weights: weights.to_vec() };
        weights_at(&located, Split::new(share))
    }

    #[test]
    fn two_destinations_have_percent() {
        assert_eq!(at(&[100, 0], Some(1), 30), (vec![70, 30], 30));
        assert_eq!(at(&[1, 1], Some(1), 30), (vec![70, 30], 30));
        assert_eq!(at(&[100], None, 5), (vec![95], 5));
        assert_eq!(at(&[30, 70], Some(1), 0), (vec![100, 0], 0));
        assert_eq!(at(&[0, 100], Some(1), 100), (vec![0, 100], 100));
    }

    #[test]
    fn parts_of_a_percent_are_the_smallest_whole_numbers() {
        for (share, stable, canary) in
            [(0.1, 999, 1), (0.5, 199, 1), (2.5, 39, 1), (0.001, 99_999, 1), (99.9, 1, 999)]
        {
            let expected = (vec![stable, canary], canary);
            let share = Percent::new(share).unwrap();
            assert_eq!(at(&[100, 0], Some(1), share), expected);
            assert_eq!(at(&[4, 3], Some(1), share), expected);
            for (end, percent) in [(0, vec![100, 0]), (1, vec![99, 1]), (100, vec![0, 100])] {
                assert_eq!(at(&expected.0, Some(1), end), (percent, end.into()));
            }
        }
    }

    #[test]
    fn a_third_destination_keeps_its_share() {
        // 20 % of the whole, before and after.
        assert_eq!(at(&[80, 0, 20], Some(1), 50), (vec![40, 40, 20], 40));
        assert_eq!(at(&[60, 0, 40], Some(1), 25), (vec![45, 15, 40], 15));
        assert_eq!(at(&[45, 15, 40], Some(1), 0), (vec![60, 0, 40], 0));
        // Percent are no whole numbers here: 33.5, 33.5, 33.
        assert_eq!(at(&[67, 33], None, 50), (vec![67, 66], 67));
        assert_eq!(at(&[67, 66, 67], Some(2), 0), (vec![67, 33, 0], 0));
        // 79.92, 0.08 and 20 of 100.
        let tenth = Percent::new(0.1).unwrap();
        assert_eq!(at(&[80, 0, 20], Some(1), tenth), (vec![999, 1, 250], 1));
        assert_eq!(at(&[999, 1, 250], Some(1), 0), (vec![80, 0, 20], 0));
    }
}

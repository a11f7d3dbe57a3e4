//! The ends of an interval, by inverting a test: to the last bit, so that the interval and the test never disagree.

/// The place of a number in the order of all numbers; 0 and −0 share one.
fn place(number: f64) -> i64 {
    let size = number.abs().to_bits() as i64;
    if number < 0.0 { -size } else { size }
}

/// The number at a place.
fn number(place: i64) -> f64 {
    let size = f64::from_bits(place.unsigned_abs());
    if place < 0 { -size } else { size }
}

/// The number next to the excluded ones that is not excluded itself, between `excluded` and `kept`.
///
/// Both may be infinite. The search bisects the floating-point numbers between them, not their difference, so it takes
/// at most 64 trials for small and large numbers alike.
pub(super) fn nearest_kept(excluded: f64, kept: f64, is_excluded: impl Fn(f64) -> bool) -> f64 {
    let (mut out, mut inside) = (place(excluded), place(kept));
    while out.abs_diff(inside) > 1 {
        let middle = i64::midpoint(out, inside);
        if is_excluded(number(middle)) { out = middle } else { inside = middle }
    }
    number(inside)
}

/// The first kept number on the way from `first` to `last`, which is kept.
pub(super) fn first_kept(first: f64, last: f64, is_excluded: impl Fn(f64) -> bool) -> f64 {
    if is_excluded(first) { nearest_kept(first, last, is_excluded) } else { first }
}

/// The end of an interval that inverts the alarm's test.
///
/// The null's bound is placed first, by the alarm itself: it lies outside exactly when `bound_excluded`, even if
/// rounding affects its neighbours. `null` is the end of the range at which the null holds most easily, `harm` is the
/// other one, which no data exclude.
pub(super) fn alarm_end(
    (bound, bound_excluded): (f64, bool),
    (null, harm): (f64, f64),
    is_excluded: impl Fn(f64) -> bool,
) -> f64 {
    if bound_excluded {
        nearest_kept(bound, harm, is_excluded)
    } else {
        first_kept(null, bound, is_excluded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_the_order_of_the_numbers() {
        let ordered =
            [f64::NEG_INFINITY, -1e300, -1.0, -5e-324, 0.0, 5e-324, 0.1, 1.0, f64::INFINITY];
        for pair in ordered.windows(2) {
            assert!(place(pair[0]) < place(pair[1]), "{pair:?}");
            assert_eq!(number(place(pair[0])).to_bits(), pair[0].to_bits());
        }
        assert_eq!(number(place(-0.0)).to_bits(), 0);
    }

    #[test]
    fn the_end_is_the_neighbour_of_what_is_excluded() {
        for limit in [-0.7, -1e-300, 0.0, 1e-12, 0.3, 1.0] {
            let low = first_kept(-1.0, 1.0, |x| x < limit);
            assert_eq!(low, limit);
            let high = first_kept(f64::INFINITY, -1.0, |x| x > limit);
            assert_eq!(high, limit);
        }
        assert_eq!(first_kept(-1.0, 1.0, |_| false), -1.0);
        assert_eq!(nearest_kept(0.0, 1.0, |_| true), 1.0);
    }

    #[test]
    fn the_bound_is_judged_by_the_alarm() {
        // The neighbours disagree with the alarm; the bound is still on the side that the alarm determines.
        assert!(alarm_end((1.0, true), (0.0, f64::INFINITY), |_| false) > 1.0);
        assert_eq!(alarm_end((1.0, false), (0.0, f64::INFINITY), |_| true), 1.0);
        assert_eq!(alarm_end((1.0, true), (0.0, f64::INFINITY), |x| x < 2.5), 2.5);
        assert_eq!(alarm_end((1.0, false), (0.0, f64::INFINITY), |x| x < 0.5), 0.5);
        assert!(alarm_end((0.0, true), (1.0, -1.0), |_| false) < 0.0);
    }
}

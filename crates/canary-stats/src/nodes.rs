//! The null hypotheses of a test of a mean: the bound that is tested, and values around it.
//!
//! The evidence is kept for each of these values, the *nodes*, and an end of the interval is the outermost node of
//! those that are excluded without a gap. Between two nodes nothing is computed: the evidence is monotone in the node,
//! so what lies beyond an excluded node is excluded too.

/// Nodes on each side of the bound.
const SIDE: u32 = 16;

/// The bound and 16 values on each side of it, ascending, at ((i/17)³) of the way to the end of the range: from 0.02 %
/// of it next to the bound to 83 %.
pub(super) fn grid(bound: f64, low: f64, high: f64) -> Vec<f64> {
    let part = |i: u32| (f64::from(i) / f64::from(SIDE + 1)).powi(3);
    let below = (1..=SIDE).rev().map(|i| bound - (bound - low) * part(i));
    let above = (1..=SIDE).map(|i| bound + (high - bound) * part(i));
    let mut nodes: Vec<f64> = below.chain([bound]).chain(above).collect();
    // Next to an end of the range some may be one number.
    nodes.dedup();
    nodes
}

/// The index of a node among ascending ones; a node that is missing is inserted.
pub(super) fn place(nodes: &mut Vec<f64>, node: f64) -> usize {
    let at = nodes.partition_point(|other| *other < node);
    if nodes.get(at).is_none_or(|found| *found != node) {
        nodes.insert(at, node);
    }
    at
}

/// The lowest excluded node, where high values are excluded. The node at `bound` is judged first: it lies in the
/// excluded part exactly when it is excluded itself, even if rounding affects its neighbours.
pub(super) fn lowest_excluded(
    nodes: usize,
    bound: usize,
    is_excluded: impl Fn(usize) -> bool,
) -> Option<usize> {
    let (from, to) = if is_excluded(bound) { (bound, 0) } else { (nodes, bound + 1) };
    let kept = (to..from).rev().find(|node| !is_excluded(*node));
    let lowest = kept.map_or(to, |kept| kept + 1);
    (lowest < nodes).then_some(lowest)
}

/// The highest of the nodes that are excluded from the lowest one on.
pub(super) fn excluded_from_below(
    nodes: usize,
    is_excluded: impl Fn(usize) -> bool,
) -> Option<usize> {
    (0..nodes).find(|node| !is_excluded(*node)).unwrap_or(nodes).checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_a_node_and_the_nodes_are_densest_beside_it() {
        for (bound, low, high) in [(0.8, 0.0, 1.0), (-0.02, -1.0, 1.0), (-3.0, -20.0, 10.0)] {
            let nodes = grid(bound, low, high);
            assert!(nodes.len() == 33 && nodes[16] == bound);
            assert!(low < nodes[0] && nodes[32] < high);
            let gaps: Vec<f64> = nodes.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(gaps.iter().all(|gap| *gap > 0.0));
            assert!(gaps[..16].windows(2).all(|pair| pair[0] > pair[1]), "{gaps:?}");
            assert!(gaps[16..].windows(2).all(|pair| pair[0] < pair[1]), "{gaps:?}");
        }
        let beside = f64::MIN_POSITIVE;
        let nodes = grid(beside, 0.0, 1.0);
        assert!(nodes.contains(&beside) && nodes.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn a_node_is_put_in_its_place_once() {
        let mut nodes = vec![1.0, 2.0];
        assert_eq!((place(&mut nodes, 1.5), place(&mut nodes, 1.5)), (1, 1));
        assert_eq!((place(&mut nodes, 0.0), place(&mut nodes, 9.0)), (0, 4));
        assert_eq!(nodes, [0.0, 1.0, 1.5, 2.0, 9.0]);
    }

    #[test]
    fn the_bound_is_judged_first() {
        let lowest = |excluded: &[usize]| lowest_excluded(5, 2, |node| excluded.contains(&node));
        assert_eq!(lowest(&[]), None);
        assert_eq!(lowest(&[4]), Some(4));
        assert_eq!(lowest(&[3, 4]), Some(3));
        assert_eq!(lowest(&[2, 3, 4]), Some(2));
        assert_eq!(lowest(&[0, 1, 2, 3, 4]), Some(0));
        assert_eq!(lowest(&[0, 1]), None);
        // Neighbours that disagree with the bound change nothing for it.
        assert_eq!(lowest(&[2]), Some(2));
        assert_eq!(lowest(&[1, 3, 4]), Some(3));
        let below = |excluded: &[usize]| excluded_from_below(3, |node| excluded.contains(&node));
        assert_eq!((below(&[]), below(&[1, 2])), (None, None));
        assert_eq!((below(&[0, 2]), below(&[0, 1, 2])), (Some(0), Some(2)));
    }
}

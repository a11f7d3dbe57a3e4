//! Simulated traffic of two versions, drawn event by event instead of request by request.
//!
//! Most requests are good; their number up to the next bad one is geometric. A stream with one error in a hundred
//! requests costs two random numbers per hundred requests.

use super::{
    Random,
    error::{Result, closed_unit},
};

/// Probabilities of one kind of bad request, and how the traffic is split.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Traffic {
    share: f64,
    canary: f64,
    stable: f64,
    /// P(a request is bad), and P(the canary served it | bad).
    bad: f64,
    canary_if_bad: f64,
}

/// A bad request, and the good ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadRequest {
    /// The good requests since the last bad one.
    pub good_before: u64,
    /// True when the canary served the bad one.
    pub canary: bool,
}

/// The requests of a stretch of traffic, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Window {
    /// Requests that the canary served.
    pub canary: u64,
    /// Those of them that were bad.
    pub canary_bad: u64,
    /// Requests that the stable version served.
    pub stable: u64,
    /// Those of them that were bad.
    pub stable_bad: u64,
}

impl Window {
    /// Adds the requests of another stretch; counts saturate.
    #[inline]
    pub(super) fn add(&mut self, other: &Self) {
        self.canary = self.canary.saturating_add(other.canary);
        self.canary_bad = self.canary_bad.saturating_add(other.canary_bad);
        self.stable = self.stable.saturating_add(other.stable);
        self.stable_bad = self.stable_bad.saturating_add(other.stable_bad);
    }
}

impl Traffic {
    /// Traffic with the canary's share `share` and these probabilities of a bad request in each version.
    ///
    /// # Errors
    /// When one of the numbers is not from 0 to 1.
    pub fn new(share: f64, canary: f64, stable: f64) -> Result<Self> {
        closed_unit("share", share)?;
        closed_unit("canary", canary)?;
        closed_unit("stable", stable)?;
        let of_canary = share * canary;
        let bad = of_canary + (1.0 - share) * stable;
        let canary_if_bad = if bad > 0.0 { of_canary / bad } else { 0.0 };
        Ok(Self { share, canary, stable, bad, canary_if_bad })
    }

    /// The canary's share.
    pub fn share(&self) -> f64 {
        self.share
    }

    /// The next bad request; after `u64::MAX` good ones when there is none.
    #[inline]
    pub fn next_bad(&self, random: &mut Random) -> BadRequest {
        let good_before = random.geometric(self.bad);
        BadRequest { good_before, canary: random.bernoulli(self.canary_if_bad) }
    }

    /// The counts of the next `requests` requests: what a metrics window shows.
    pub fn window(&self, requests: u64, random: &mut Random) -> Window {
        let canary = random.binomial(requests, self.share);
        let stable = requests - canary;
        Window {
            canary,
            canary_bad: random.binomial(canary, self.canary),
            stable,
            stable_bad: random.binomial(stable, self.stable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_drawing_have_the_same_rates() {
        let traffic = Traffic::new(0.1, 0.03, 0.01).unwrap();
        let mut random = Random::new(61);
        let (mut requests, mut bad, mut at_canary) = (0_u64, 0_u64, 0_u64);
        while requests < 5_000_000 {
            let next = traffic.next_bad(&mut random);
            requests += next.good_before + 1;
            bad += 1;
            at_canary += u64::from(next.canary);
        }
        let mut sum = Window::default();
        for _ in 0..5000 {
            let window = traffic.window(1000, &mut random);
            assert!(window.canary_bad <= window.canary && window.stable_bad <= window.stable);
            assert_eq!(window.canary + window.stable, 1000);
            sum.canary += window.canary;
            sum.canary_bad += window.canary_bad;
            sum.stable_bad += window.stable_bad;
        }
        // Five standard deviations of Poisson counts around 5 M · 0.012, 5 M · 0.003 and 5 M · 0.1.
        let near = |found: u64, wanted: f64| (found as f64 - wanted).abs() < 5.0 * wanted.sqrt();
        assert!(near(bad, requests as f64 * 0.012) && near(at_canary, requests as f64 * 0.003));
        assert!(near(sum.canary, 500_000.0) && near(sum.canary_bad, 15_000.0), "{sum:?}");
        assert!(near(sum.stable_bad, 45_000.0), "{sum:?}");
    }

    #[test]
    fn edges() {
        let mut random = Random::new(1);
        let faultless = Traffic::new(0.3, 0.0, 0.0).unwrap();
        assert_eq!(faultless.next_bad(&mut random).good_before, u64::MAX);
        assert_eq!(faultless.window(10, &mut random).stable_bad, 0);
        let broken = Traffic::new(1.0, 1.0, 0.0).unwrap();
        assert_eq!(broken.next_bad(&mut random), BadRequest { good_before: 0, canary: true });
        assert_eq!(broken.window(7, &mut random).canary_bad, 7);
        for (share, canary, stable, name) in
            [(1.1, 0.0, 0.0, "share"), (0.1, -1.0, 0.0, "canary"), (0.1, 0.0, f64::NAN, "stable")]
        {
            assert_eq!(Traffic::new(share, canary, stable).unwrap_err().name, name);
        }
    }
}

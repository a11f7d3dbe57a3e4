//! Requests in flight: what happens to tests that take them in order of ending.

use canary_stats::{Alpha, EProcess, Random, RateRatio, Result, Split, Window};

use crate::common::{Settings, alpha, head, percent, percentages, row};

/// The longest time that a request takes, in seconds: a timeout.
const LONGEST: f64 = 30.0;
/// The interval at which counters are read.
const SCRAPE: f64 = 15.0;

/// A request: when it was sent and has ended, in seconds.
#[derive(Clone, Copy)]
struct Request {
    sent: f64,
    ended: f64,
    share: f64,
    canary: bool,
    failed: bool,
}

/// Traffic whose failures end at different times in the two arms.
struct Traffic<'a> {
    per_second: f64,
    /// The canary's share, and for how many seconds.
    steps: &'a [(f64, f64)],
    /// The rates of failures, and the seconds that a failure takes: stable version and canary.
    fails: [f64; 2],
    failure_takes: [f64; 2],
    /// The longest that a good request takes; the durations are uniform.
    good_takes: f64,
    /// When an outage of both versions begins and ends, and the part of the requests that fails in it.
    outage: Option<(f64, f64, f64)>,
}

impl Traffic<'_> {
    fn equal(per_second: f64, steps: &[(f64, f64)]) -> Traffic<'_> {
        Traffic {
            per_second,
            steps,
            fails: [0.01, 0.01],
            failure_takes: [LONGEST, 0.1],
            good_takes: 0.2,
            outage: None,
        }
    }

    /// The requests in order of sending.
    fn requests(&self, random: &mut Random) -> Vec<Request> {
        let mut requests = Vec::new();
        let mut began = 0.0;
        for &(share, seconds) in self.steps {
            for n in 0..(seconds * self.per_second) as u64 {
                let sent = began + n as f64 / self.per_second;
                let canary = random.bernoulli(share);
                let arm = usize::from(canary);
                let rate = match self.outage {
                    Some((from, to, rate)) if from <= sent && sent < to => rate,
                    _ => self.fails[arm],
                };
                let failed = random.bernoulli(rate);
                let good = self.good_takes * random.uniform();
                let takes = if failed { self.failure_takes[arm] } else { good };
                requests.push(Request { sent, ended: sent + takes, share, canary, failed });
            }
            began += seconds;
        }
        requests
    }

    fn seconds(&self) -> f64 {
        self.steps.iter().map(|step| step.1).sum()
    }

    /// The share in force at a time.
    fn share(&self, at: f64) -> f64 {
        let mut ends = 0.0;
        let step = self.steps.iter().find(|step| {
            ends += step.1;
            at < ends
        });
        step.or(self.steps.last()).map_or(0.0, |step| step.0)
    }

    /// The requests that ended in each interval of `length` seconds from `from` to the end of the traffic.
    fn counted(&self, requests: &[Request], from: f64, length: f64) -> Vec<Window> {
        let intervals = ((self.seconds() - from) / length) as usize;
        let mut windows = vec![Window::default(); intervals];
        for request in requests.iter().filter(|request| request.ended >= from) {
            let place = ((request.ended - from) / length) as usize;
            let Some(window) = windows.get_mut(place) else { continue };
            let bad = u64::from(request.failed);
            let (all, failed) = if request.canary {
                (&mut window.canary, &mut window.canary_bad)
            } else {
                (&mut window.stable, &mut window.stable_bad)
            };
            *all += 1;
            *failed += bad;
        }
        windows
    }
}

fn millis(seconds: f64) -> u64 {
    (1_000.0 * seconds) as u64
}

/// The percentages of equal canaries rolled back: by order of ending, the same with the guard, and by order of sending.
pub(crate) fn equal_errors(seed: u64, runs: u64, per_second: f64, share: f64) -> Result<[f64; 3]> {
    let alpha = alpha()?;
    let steps = [(share / 2.0, 60.0), (share, 120.0)];
    let traffic = Traffic::equal(per_second, &steps);
    percentages(seed, runs, |random| {
        let mut requests = traffic.requests(random);
        requests.retain(|request| request.ended < traffic.seconds());
        let mut released = RateRatio::new(1.0)?;
        // Released when all requests sent before have ended: nothing of the last seconds.
        let watermark = traffic.seconds() - LONGEST;
        for request in requests.iter().filter(|request| request.sent < watermark) {
            released.observe(
                millis(request.sent),
                request.share,
                request.canary,
                request.failed,
            )?;
        }
        requests.sort_by(|a, b| a.ended.total_cmp(&b.ended));
        let mut ended = RateRatio::new(1.0)?;
        let mut guarded = RateRatio::new(1.0)?.bursts(millis(SCRAPE), alpha)?;
        for request in &requests {
            let (at, share) = (millis(request.ended), traffic.share(request.ended));
            ended.observe(at, share, request.canary, request.failed)?;
            guarded.observe(at, share, request.canary, request.failed)?;
        }
        Ok([ended.alarm(alpha), guarded.alarm(alpha), released.alarm(alpha)])
    })
}

/// The percentages of weights found wrong by the split test although the split is as configured, when responses take up
/// to 30 s and counters are used from each of these times after the change of the weight.
pub(crate) fn split(seed: u64, runs: u64, per_second: f64, settle: [f64; 2]) -> Result<[f64; 2]> {
    let level = Alpha::new(0.01)?;
    let steps = [(0.05, 60.0), (0.2, 300.0)];
    let mut traffic = Traffic::equal(per_second, &steps);
    (traffic.good_takes, traffic.failure_takes) = (LONGEST, [LONGEST; 2]);
    percentages(seed, runs, |random| {
        let requests = traffic.requests(random);
        let found = |settle: f64| {
            let mut split = Split::new(steps[1].0)?;
            for window in traffic.counted(&requests, steps[0].1 + settle, SCRAPE) {
                split.observe_counts(window.canary, window.stable);
            }
            Ok(split.alarm(level))
        };
        Ok([found(settle[0])?, found(settle[1])?])
    })
}

/// The percentages of canaries with 1.5 times the failures of which counters prove that they have fewer, when the
/// canary's failures are timeouts and counters are used from each of these times after the change of the weight.
fn proofs(seed: u64, runs: u64, per_second: f64, settle: [f64; 2]) -> Result<[f64; 2]> {
    let (alpha, margin) = (alpha()?, 1.5);
    let steps = [(0.3, 240.0)];
    let mut traffic = Traffic::equal(per_second, &steps);
    traffic.fails = [0.01, 0.01 * margin];
    traffic.failure_takes = [0.1, LONGEST];
    percentages(seed, runs, |random| {
        let requests = traffic.requests(random);
        let found = |settle: f64| {
            let mut test = RateRatio::new(1.0)?.margin(margin)?;
            for (place, window) in traffic.counted(&requests, settle, SCRAPE).iter().enumerate() {
                test.observe_counts(millis(place as f64 * SCRAPE), steps[0].0, window)?;
                if test.excludes_harm(margin, alpha)? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        Ok([found(settle[0])?, found(settle[1])?])
    })
}

/// The percentages of equal canaries rolled back in a common outage of a minute, whose failures end 30 s later at the
/// stable version: by counters without the guard, with windows of 10 s, of 30 s and of 45 s, and by order of sending.
fn outage(seed: u64, runs: u64, per_second: f64) -> Result<[f64; 5]> {
    let (alpha, steps) = (alpha()?, [(0.3, 300.0)]);
    let mut traffic = Traffic::equal(per_second, &steps);
    traffic.outage = Some((60.0, 120.0, 0.2));
    percentages(seed, runs, |random| {
        let requests = traffic.requests(random);
        let counted = |length: f64, guard: bool| {
            let mut test = RateRatio::new(1.0)?;
            if guard {
                test = test.bursts(millis(length), alpha)?;
            }
            let from = LONGEST + 2.0;
            for (place, window) in traffic.counted(&requests, from, length).iter().enumerate() {
                test.observe_counts(millis(place as f64 * length), steps[0].0, window)?;
            }
            Ok(test.alarm(alpha))
        };
        let mut sent = RateRatio::new(1.0)?;
        for request in &requests {
            sent.observe(millis(request.sent), request.share, request.canary, request.failed)?;
        }
        Ok([
            counted(10.0, false)?,
            counted(10.0, true)?,
            counted(LONGEST, true)?,
            counted(1.5 * LONGEST, true)?,
            sent.alarm(alpha),
        ])
    })
}

/// The settle time by default: the longest request, two seconds and a scrape interval.
pub(crate) const SETTLE: f64 = LONGEST + 2.0 + SCRAPE;

/// Prints how often equal canaries are rolled back, splits found wrong and harm promoted, by order of ending and by order
/// of sending.
pub(crate) fn order_of_sending(settings: Settings) -> Result<()> {
    let runs = settings.one_in(4);
    head(
        &format!(
            "Order: false rollbacks of equal versions, errors 1 %, the stable version's by a timeout of 30 s, {runs} runs"
        ),
        &["requests/s, share", "by ending", "by ending, with the guard", "by sending"],
    );
    let cells = [(20.0, 0.1), (200.0, 0.1), (200.0, 0.5), (1_000.0, 0.1), (1_000.0, 0.5)];
    for (place, (per_second, share)) in cells.into_iter().enumerate() {
        let found = equal_errors(600 + place as u64, runs, per_second, share)?;
        row(&format!("{per_second}, {} %", 100.0 * share), &found.map(percent));
    }
    println!();
    let settles = [2.0, SETTLE];
    head(
        &format!("Counters read every 15 s, responses of up to 30 s, {runs} runs"),
        &["requests/s", "what is wrong", "used 2 s after the change", "used 47 s after it"],
    );
    for (place, per_second) in [50.0, 200.0, 1_000.0].into_iter().enumerate() {
        let found = split(610 + place as u64, runs, per_second, settles)?.map(percent);
        let name = format!("{per_second} | split inconclusive, as configured");
        row(&name, &found);
        let found = proofs(620 + place as u64, runs, per_second, settles)?.map(percent);
        row(&format!("{per_second} | harm of 1.5 promoted"), &found);
    }
    println!();
    head(
        &format!(
            "A common outage of a minute, 20 % fail, 200 requests/s; failures end 30 s later at the stable version, \
             {runs} runs"
        ),
        &["counters", "guard of 10 s", "guard of 30 s", "guard of 45 s", "by sending"],
    );
    let [first, rest @ ..] = outage(630, runs, 200.0)?.map(percent);
    row(&first, &rest);
    Ok(())
}

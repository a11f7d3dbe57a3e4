//! Traffic of the caller's own: each input through the route that the weights divide, and, where pairs are wanted, to
//! both models.

use std::{pin::Pin, sync::Arc};

use futures_core::Stream;
use futures_util::{StreamExt, stream};

use super::{
    Timestamp,
    observation::{Arm, Kind, Pair, Request, Seen, Subsets},
    pairs::top,
    sample::Sample,
    source::{Observations, OwnRequests, Source, from_stream},
};
use crate::{
    Error, Result,
    error::Origin,
    predict::{Client, Retry},
};

/// How often the divided route is asked for an answer of the stable model before an input goes without a pair.
const ATTEMPTS: u32 = 32;

/// What is told of every pair.
type Listener = Arc<dyn Fn(&Sample, &Pair) + Send + Sync>;

/// A source that makes the traffic it observes: requests of the divided route, and pairs.
///
/// Each input is sent without the header until the stable model has answered it; every one of these requests is
/// observed with the subset that served it, its outcome and its latency. Stopping by what was answered so far is a
/// stopping time, so the tests stay valid (Ville's inequality). The canary is asked by the header when the divided
/// route has not led to it meanwhile. An input without both answers gives no pair. An input that cannot be sent at all
/// is neither model's failure and ends the source with the error that says why.
///
/// At most `concurrency` inputs are under way. The next one is taken only when the rollout asks for observations, so
/// nothing piles up. The tasks run on the tokio runtime in which the rollout is polled.
///
/// ```
/// use canary_core::{evidence::{Kind, Sample, Source, Subsets, Traffic}, predict::Client};
///
/// let client = Client::new("http://127.0.0.1:8080")?.model("image_classifier");
/// let photos = futures_util::stream::iter([Ok(Sample::new("cat.jpg", b"...".as_slice()))]);
/// let subsets = Subsets::new("resnet50", "resnet101");
/// let traffic = Traffic::new("photos", &client, ("user-group", "canary"), subsets, photos).concurrency(4);
/// assert!(traffic.provides().contains(&Kind::Pairs));
/// # Ok::<(), canary_core::Error>(())
/// ```
pub struct Traffic {
    name: Arc<str>,
    asker: Asker,
    samples: Pin<Box<dyn Stream<Item = Result<Sample>> + Send>>,
    concurrency: usize,
    labelled: bool,
    pairs_only: bool,
}

/// The client of one attempt: a repeated request would hide the failure that a test is to see.
fn once(client: &Client) -> Client {
    client.clone().retry(Retry::default().attempts(1))
}

impl std::fmt::Debug for Traffic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Traffic")
            .field("name", &self.name)
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}

impl Traffic {
    /// Traffic of these inputs through `client`, with the header that leads to the canary.
    ///
    /// Requests are sent once and not again: a repeated request would hide the failure that a test is to see.
    pub fn new(
        name: impl Into<Arc<str>>,
        client: &Client,
        header: (&str, &str),
        subsets: Subsets,
        samples: impl Stream<Item = Result<Sample>> + Send + 'static,
    ) -> Self {
        let divided = once(client).without_header(header.0);
        let canary = Some(divided.clone().header(header.0, header.1));
        Self::through(name.into(), Asker { divided, canary, subsets, listener: None }, samples)
    }

    /// The same without pairs: one request for each input, through the route that the weights divide. It needs no
    /// header, and answers are not read beyond the subset that gave them.
    ///
    /// ```
    /// use canary_core::{evidence::{Kind, Sample, Source, Subsets, Traffic}, predict::Client};
    ///
    /// let client = Client::new("http://127.0.0.1:8080")?.model("image_classifier");
    /// let photos = futures_util::stream::iter([Ok(Sample::new("cat.jpg", b"...".as_slice()))]);
    /// let subsets = Subsets::new("resnet50", "resnet101");
    /// let traffic = Traffic::requests("photos", &client, subsets, photos);
    /// assert_eq!(traffic.provides(), [Kind::Requests, Kind::Latency]);
    /// # Ok::<(), canary_core::Error>(())
    /// ```
    pub fn requests(
        name: impl Into<Arc<str>>,
        client: &Client,
        subsets: Subsets,
        samples: impl Stream<Item = Result<Sample>> + Send + 'static,
    ) -> Self {
        let asker = Asker { divided: once(client), canary: None, subsets, listener: None };
        Self::through(name.into(), asker, samples)
    }

    fn through(
        name: Arc<str>,
        asker: Asker,
        samples: impl Stream<Item = Result<Sample>> + Send + 'static,
    ) -> Self {
        Self {
            name,
            asker,
            samples: Box::pin(samples),
            concurrency: 4,
            labelled: false,
            pairs_only: false,
        }
    }

    /// Sets how many inputs are under way at most; 4 by default, at least 1.
    #[must_use]
    pub fn concurrency(mut self, inputs: usize) -> Self {
        self.concurrency = inputs.max(1);
        self
    }

    /// Says that the samples carry labels, so that the accuracy can be tested.
    #[must_use]
    pub fn labelled(mut self) -> Self {
        self.labelled = true;
        self
    }

    /// Reports the pairs and not the requests: for traffic that another source counts, such as `Prometheus`.
    #[must_use]
    pub fn pairs_only(mut self) -> Self {
        self.pairs_only = true;
        self
    }

    /// Tells every pair together with its input, for a gallery of disagreements.
    #[must_use]
    pub fn on_pair(mut self, listener: impl Fn(&Sample, &Pair) + Send + Sync + 'static) -> Self {
        self.asker.listener = Some(Arc::new(listener));
        self
    }
}

impl Source for Traffic {
    fn name(&self) -> &str {
        &self.name
    }

    fn provides(&self) -> Vec<Kind> {
        let mut kinds = Vec::new();
        if !self.pairs_only {
            kinds.extend([Kind::Requests, Kind::Latency]);
        }
        if self.asker.canary.is_none() {
            return kinds;
        }
        kinds.extend([Kind::Pairs, Kind::Scores]);
        if self.labelled {
            kinds.push(Kind::Labels);
        }
        kinds
    }

    fn own_requests(&self) -> OwnRequests {
        if self.pairs_only { OwnRequests::SendsPairs } else { OwnRequests::Reports }
    }

    fn observations(self: Box<Self>, after: Option<u64>) -> Observations {
        let Self { name, asker, samples, concurrency, pairs_only, .. } = *self;
        let kinds = Vec::new();
        let seen = samples
            .map(move |sample| {
                let asker = asker.clone();
                async move {
                    let sample = sample?;
                    // A task of its own: a latency must not contain the time in which nobody polls the rollout.
                    tokio::spawn(async move { asker.ask(&sample).await })
                        .await
                        .map_err(|error| Error::Plan(format!("a request ended early: {error}")))?
                }
            })
            .buffered(concurrency)
            .flat_map(move |seen: Result<Vec<(Timestamp, Seen)>>| match seen {
                Ok(mut seen) => {
                    seen.retain(|(_, what)| !pairs_only || matches!(what, Seen::Pair(_)));
                    stream::iter(seen.into_iter().map(Ok).collect::<Vec<_>>())
                }
                Err(error) => stream::iter(vec![Err(error)]),
            });
        // The traffic is new after an interruption, so its numbers go on where they stopped.
        let first = after.map_or(0, |last| last + 1);
        let numbered = Box::new(from_stream(name, kinds, seen)).observations(None);
        numbered
            .map(move |item| {
                item.map(|mut observation| {
                    observation.sequence = observation.sequence.map(|number| number + first);
                    observation
                })
            })
            .boxed()
    }
}

#[derive(Clone)]
struct Asker {
    divided: Client,
    /// Leads to the canary by its header; without it no pairs are made.
    canary: Option<Client>,
    subsets: Subsets,
    listener: Option<Listener>,
}

impl Asker {
    /// What one input has shown.
    async fn ask(&self, sample: &Sample) -> Result<Vec<(Timestamp, Seen)>> {
        let mut seen = Vec::new();
        let (mut stable, mut canary) = (None, None);
        for _ in 0..ATTEMPTS {
            let at = Timestamp::now();
            match self.divided.predict(&*sample.input).await {
                Ok(answer) => {
                    let arm = self.arm(answer.subset())?;
                    let latency = Some(answer.elapsed());
                    seen.push((at, Seen::Request(Request { arm, failed: false, latency })));
                    if self.canary.is_none() {
                        return Ok(seen);
                    }
                    let place = if arm == Arm::Stable { &mut stable } else { &mut canary };
                    *place = Some(top(&answer, &sample.name)?);
                }
                Err(Error::Predict(error)) if error.origin != Origin::Request => {
                    let arm = self.subsets.arm(error.subset.as_deref());
                    let failed = error.status.is_none_or(Request::is_failure);
                    let latency = Some(error.elapsed);
                    seen.push((at, Seen::Request(Request { arm, failed, latency })));
                    return Ok(seen);
                }
                Err(error) => return Err(error),
            }
            if stable.is_some() {
                break;
            }
        }
        if let (None, Some(_), Some(client)) = (&canary, &stable, &self.canary) {
            // By the header: not traffic that the weights divide, so it counts for the pair alone.
            canary = match client.predict(&*sample.input).await {
                Ok(answer) if self.arm(answer.subset())? == Arm::Canary => {
                    Some(top(&answer, &sample.name)?)
                }
                Ok(_) | Err(Error::Predict(_)) => None,
                Err(error) => return Err(error),
            };
        }
        if let (Some(stable), Some(canary)) = (stable, canary) {
            let pair = Pair {
                input: Some(sample.digest()?),
                name: Some(Arc::clone(&sample.name)),
                stable,
                canary,
                label: sample.label.clone(),
            };
            if let Some(listener) = &self.listener {
                listener(sample, &pair);
            }
            seen.push((Timestamp::now(), Seen::Pair(pair)));
        }
        Ok(seen)
    }

    /// Who answered; an answer that does not say so is an error, because nobody could tell what is compared.
    fn arm(&self, subset: Option<&str>) -> Result<Arm> {
        let arm = self.subsets.arm(subset);
        if arm != Arm::Unknown {
            return Ok(arm);
        }
        let found = subset.map_or_else(
            || {
                "names no subset: set the response header x-canary-subset on each destination"
                    .into()
            },
            |subset| format!("is by subset {subset}"),
        );
        let Subsets { stable, canary } = &self.subsets;
        Err(Error::Plan(format!("expected an answer of {stable} or {canary}; this one {found}")))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    };

    use super::{
        super::test_server::{Reply, serve},
        *,
    };
    use crate::{
        evidence::Observation,
        predict::Input,
        tensor::{Tensor, TensorData},
    };

    const HEADER: (&str, &str) = ("user-group", "canary");

    fn subsets() -> Subsets {
        Subsets::new("a", "b")
    }

    fn samples(count: usize) -> impl Stream<Item = Result<Sample>> {
        stream::iter(
            (0..count).map(|n| Ok(Sample::new(format!("{n}.jpg"), n.to_le_bytes().to_vec()))),
        )
    }

    fn collect(traffic: Traffic, after: Option<u64>) -> Vec<Result<Observation>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(Box::new(traffic).observations(after).collect())
    }

    fn seen(traffic: Traffic) -> Vec<Seen> {
        collect(traffic, None).into_iter().map(|item| item.unwrap().what).collect()
    }

    fn requests(seen: &[Seen]) -> Vec<(Arm, bool)> {
        let request = |seen: &Seen| match seen {
            Seen::Request(request) => Some((request.arm, request.failed)),
            _ => None,
        };
        seen.iter().filter_map(request).collect()
    }

    fn pairs(seen: &[Seen]) -> Vec<&Pair> {
        seen.iter()
            .filter_map(|seen| if let Seen::Pair(pair) = seen { Some(pair) } else { None })
            .collect()
    }

    #[test]
    fn the_divided_route_is_asked_until_the_stable_model_answers_and_every_request_counts() {
        // The divided route gives canary, canary, stable; then stable at once, and the canary by header.
        let (client, asked) = serve(|number, by_header| {
            if by_header || number < 2 { Reply::by("b", "dog") } else { Reply::by("a", "cat") }
        });
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = Arc::clone(&told);
        let traffic = Traffic::new("photos", &client, HEADER, subsets(), samples(2))
            .concurrency(1)
            .on_pair(move |sample, pair| {
                tell.lock().unwrap().push((sample.name.to_string(), pair.agrees()));
            });
        let seen = seen(traffic);
        let (stable, canary) = ((Arm::Stable, false), (Arm::Canary, false));
        assert_eq!(requests(&seen), [canary, canary, stable, stable]);
        assert_eq!(*asked.lock().unwrap(), [false, false, false, false, true]);
        let pairs = pairs(&seen);
        assert_eq!(pairs.len(), 2);
        for (number, pair) in pairs.iter().enumerate() {
            assert_eq!((&*pair.stable.class, &*pair.canary.class), ("cat", "dog"));
            assert_eq!(pair.canary.score, Some(0.75));
            assert_eq!(pair.input, Some(Pair::digest(&number.to_le_bytes())));
        }
        let names = [("0.jpg".to_owned(), false), ("1.jpg".to_owned(), false)];
        assert_eq!(*told.lock().unwrap(), names);
        assert!(seen.iter().all(|seen| match seen {
            Seen::Request(request) => request.latency.is_some_and(|latency| !latency.is_zero()),
            _ => true,
        }));
    }

    #[test]
    fn a_failure_is_observed_once_with_who_caused_it_and_gives_no_pair() {
        for (status, failed) in [(503, true), (429, true), (404, false)] {
            let (client, asked) = serve(move |_, _| Reply::failed(status, "b"));
            let traffic = Traffic::new("photos", &client, HEADER, subsets(), samples(3));
            let seen = seen(traffic);
            assert_eq!(requests(&seen), [(Arm::Canary, failed); 3], "{status}");
            assert_eq!((pairs(&seen).len(), asked.lock().unwrap().len()), (0, 3), "no retries");
        }
        let nobody = Client::new("http://127.0.0.1:1").unwrap().model("m");
        let traffic = Traffic::new("photos", &nobody, HEADER, subsets(), samples(1));
        assert_eq!(requests(&seen(traffic)), [(Arm::Unknown, true)], "nobody knows whose fault");
    }

    #[test]
    fn a_canary_that_fails_by_header_leaves_the_input_without_a_pair() {
        let (client, _) =
            serve(
                |_, by_header| {
                    if by_header { Reply::failed(500, "b") } else { Reply::by("a", "cat") }
                },
            );
        let seen = seen(Traffic::new("photos", &client, HEADER, subsets(), samples(2)));
        assert_eq!(requests(&seen), [(Arm::Stable, false); 2]);
        assert!(pairs(&seen).is_empty());
    }

    #[test]
    fn a_stable_model_that_never_answers_is_given_up() {
        let (client, asked) = serve(|_, _| Reply::by("b", "dog"));
        let seen = seen(Traffic::new("photos", &client, HEADER, subsets(), samples(1)));
        assert_eq!(requests(&seen).len(), ATTEMPTS as usize);
        assert!(pairs(&seen).is_empty());
        assert!(asked.lock().unwrap().iter().all(|by_header| !by_header));
    }

    #[test]
    fn an_answer_that_names_no_known_subset_ends_the_source_with_the_remedy() {
        for (subset, said) in [(None, "x-canary-subset"), (Some("c"), "is by subset c")] {
            let (client, _) = serve(move |_, _| Reply { subset, ..Reply::by("a", "cat") });
            let traffic = Traffic::new("photos", &client, HEADER, subsets(), samples(1));
            let error = collect(traffic, None).remove(0).unwrap_err();
            assert!(error.to_string().contains(said) && !error.is_retryable(), "{error}");
        }
    }

    #[test]
    fn without_pairs_each_input_is_one_request_through_the_divided_route() {
        let (client, asked) = serve(|number, _| {
            if number.is_multiple_of(2) { Reply::by("a", "cat") } else { Reply::by("b", "dog") }
        });
        let traffic = Traffic::requests("photos", &client, subsets(), samples(4)).concurrency(1);
        let found = collect(traffic, Some(9));
        let numbers: Vec<_> = found.iter().map(|item| item.as_ref().unwrap().sequence).collect();
        assert_eq!(numbers, [Some(10), Some(11), Some(12), Some(13)], "numbers go on");
        let seen: Vec<Seen> = found.into_iter().map(|item| item.unwrap().what).collect();
        let (stable, canary) = ((Arm::Stable, false), (Arm::Canary, false));
        assert_eq!(requests(&seen), [stable, canary, stable, canary]);
        assert_eq!((seen.len(), asked.lock().unwrap().len()), (4, 4));
    }

    #[test]
    fn what_another_source_counts_is_not_reported() {
        let (client, _) =
            serve(
                |_, by_header| {
                    if by_header { Reply::by("b", "dog") } else { Reply::by("a", "cat") }
                },
            );
        let traffic =
            Traffic::new("photos", &client, HEADER, subsets(), samples(3)).pairs_only().labelled();
        assert_eq!(traffic.provides(), [Kind::Pairs, Kind::Scores, Kind::Labels]);
        assert_eq!(traffic.own_requests(), OwnRequests::SendsPairs);
        let seen = seen(traffic);
        assert_eq!((seen.len(), pairs(&seen).len()), (3, 3));
    }

    #[test]
    fn no_more_inputs_are_taken_than_are_under_way() {
        let (client, _) = serve(|_, _| Reply::by("a", "cat"));
        let taken = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&taken);
        let endless = stream::iter((0_usize..).map(move |n| {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok(Sample::new("x", n.to_le_bytes().to_vec()))
        }));
        let traffic = Traffic::requests("x", &client, subsets(), endless).concurrency(3);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut source = Box::new(traffic).observations(None);
            for asked in 1..=20 {
                source.next().await.unwrap().unwrap();
                let taken = taken.load(Ordering::SeqCst);
                assert!(taken <= asked + 3, "{taken} taken for {asked}");
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        });
    }

    #[test]
    fn arrays_are_asked_about_as_files_are() {
        let (client, asked) =
            serve(
                |_, by_header| {
                    if by_header { Reply::by("b", "dog") } else { Reply::by("a", "cat") }
                },
            );
        let pixels = |value| Tensor::new(vec![1, 2], TensorData::Float(vec![value; 2])).unwrap();
        let named = Input::named([("age", pixels(0.5)), ("town", pixels(0.25))]);
        let one = Sample::new("one", pixels(0.5)).label("cat");
        let samples = stream::iter([one.clone(), one, Sample::new("two", named)].map(Ok));
        let seen = seen(Traffic::new("arrays", &client, HEADER, subsets(), samples));
        assert_eq!(asked.lock().unwrap().len(), 6);
        let pairs = pairs(&seen);
        let label = |pair: &&Pair| pair.label.clone();
        let labels: Vec<_> = pairs.iter().map(label).collect();
        assert_eq!(labels, [Some("cat".to_owned()), Some("cat".to_owned()), None]);
        assert_eq!(pairs[0].input, pairs[1].input, "an equal array is one input");
        assert_ne!(pairs[0].input, pairs[2].input);
    }

    #[test]
    fn a_batch_has_no_pair_and_says_so() {
        let (client, _) = serve(|_, _| Reply { rows: 3, ..Reply::by("a", "cat") });
        let batch = || Tensor::new(vec![3, 1], TensorData::Float(vec![0.5; 3])).unwrap();
        let samples = stream::iter([Ok(Sample::new("three", batch()))]);
        let traffic = Traffic::new("arrays", &client, HEADER, subsets(), samples);
        let error = collect(traffic, None).remove(0).unwrap_err().to_string();
        assert!(error.contains("the answer to three has 3 rows"), "{error}");
        // Where only requests count, a batch is a request like any other.
        let samples = stream::iter([Ok(Sample::new("three", batch()))]);
        let found = seen(Traffic::requests("arrays", &client, subsets(), samples));
        assert_eq!(requests(&found), [(Arm::Stable, false)]);
    }

    #[test]
    fn an_input_that_cannot_be_sent_is_nobodys_failure() {
        let (client, asked) = serve(|_, _| Reply::by("a", "cat"));
        let twice = Input::named([("x", b"a".as_slice()), ("x", b"b".as_slice())]);
        let samples = stream::iter([Ok(Sample::new("x", twice))]);
        let found = collect(Traffic::requests("x", &client, subsets(), samples), None);
        let error = found[0].as_ref().unwrap_err().to_string();
        assert!(error.contains("given twice"), "{error}");
        assert!(asked.lock().unwrap().is_empty());
    }

    #[test]
    fn an_error_of_the_samples_reaches_the_rollout() {
        let (client, _) = serve(|_, _| Reply::by("a", "cat"));
        let broken = stream::iter([Err(Error::Plan("the folder is gone".to_owned()))]);
        let found = collect(Traffic::requests("x", &client, subsets(), broken), None);
        assert!(found[0].as_ref().unwrap_err().to_string().contains("the folder is gone"));
    }
}

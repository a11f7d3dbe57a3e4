//! A small Prometheus: it scrapes the lab's metrics page and answers the queries of raw samples.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use canary_core::evidence::Timestamp;
use canary_tests::http::{Reply, Request, Server};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// The interval at which the page is scraped.
const INTERVAL: Duration = Duration::from_millis(60);

/// The fault of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fails {
    /// Nothing.
    Never,
    /// It has no samples at all.
    Empty,
    /// Every query ends with this status.
    With(u16),
    /// It answers after the client has given up.
    Slow,
    /// It warns that a part of its stores did not answer.
    Partial,
    /// Its counters stand still.
    Stalls,
    /// The series of the canary are missing.
    OfTheCanary,
    /// No series says which version served.
    OfVersions,
    /// The counts of the pods' proxies, which see nothing of a request that found no pod.
    ByDestination,
}

type Labels = BTreeMap<String, String>;

#[derive(Default)]
struct Samples(BTreeMap<Labels, Vec<(u64, f64)>>);

/// A running one.
pub(crate) struct Gauge {
    server: Server,
    scraping: JoinHandle<()>,
}

impl Drop for Gauge {
    fn drop(&mut self) {
        self.scraping.abort();
    }
}

impl Gauge {
    /// Scrapes what the function gives as a metrics page.
    pub(crate) async fn start(
        fails: Fails,
        page: impl Fn() -> String + Send + Sync + 'static,
    ) -> Self {
        let samples = Arc::<Mutex<Samples>>::default();
        let scraped = Arc::clone(&samples);
        let scraping = tokio::spawn(async move {
            loop {
                let at = Timestamp::now().0;
                let page = page();
                {
                    let mut samples = scraped.lock().unwrap();
                    for (labels, value) in page.lines().filter_map(series) {
                        let Some(labels) = shown(fails, labels) else { continue };
                        let kept = samples.0.entry(labels).or_default();
                        let first = kept.first().map(|first| first.1);
                        let stood = first.filter(|_| fails == Fails::Stalls);
                        let value = stood.unwrap_or(value);
                        match kept.last_mut().filter(|last| last.0 == at) {
                            // Two series have become one.
                            Some(last) => last.1 += value,
                            None => kept.push((at, value)),
                        }
                    }
                }
                tokio::time::sleep(INTERVAL).await;
            }
        });
        let server = Server::start(move |request| {
            let samples = Arc::clone(&samples);
            async move { answer(fails, &request, &samples.lock().unwrap()) }
        });
        let server = match fails {
            Fails::Slow => {
                drop(server);
                Server::start(|_| std::future::pending()).await
            }
            _ => server.await,
        };
        Self { server, scraping }
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        self.server.url()
    }
}

/// A line of the page: labels with the name as one of them, and the value.
fn series(line: &str) -> Option<(Labels, f64)> {
    let (name, rest) = line.split_once('{')?;
    let (pairs, value) = rest.rsplit_once("} ")?;
    let mut labels = Labels::from([("__name__".to_owned(), name.to_owned())]);
    let mut rest = pairs;
    while let Some((label, after)) = rest.split_once("=\"") {
        let (text, after) = after.split_once('"')?;
        labels.insert(label.trim_start_matches(',').to_owned(), text.to_owned());
        rest = after;
    }
    Some((labels, value.parse().ok()?))
}

/// The labels under which a series is kept, if it is.
fn shown(fails: Fails, mut labels: Labels) -> Option<Labels> {
    let version = labels.get("destination_version").cloned().unwrap_or_default();
    let service = labels.get("destination_service_name").cloned().unwrap_or_default();
    let unreached =
        labels.get("response_flags").is_some_and(|flags| ["UH", "UF"].contains(&flags.as_str()));
    if unreached {
        // As Istio's proxies report it: nobody was there to say which version it is.
        labels.insert("destination_version".to_owned(), "unknown".to_owned());
    }
    match fails {
        Fails::Empty => return None,
        Fails::OfTheCanary if version == "v2" || service == "v2" => return None,
        Fails::OfVersions => {
            labels.insert("destination_version".to_owned(), "unknown".to_owned());
            if ["v1", "v2"].contains(&&*service) {
                labels.insert("destination_service_name".to_owned(), "unknown".to_owned());
            }
        }
        Fails::ByDestination => {
            if unreached {
                return None;
            }
            labels.insert("reporter".to_owned(), "destination".to_owned());
        }
        _ => {}
    }
    Some(labels)
}

fn answer(fails: Fails, request: &Request, samples: &Samples) -> Reply {
    if let Fails::With(status) = fails {
        return Reply::Whole(status, Vec::new(), b"it is broken".to_vec());
    }
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let fields: Vec<(String, String)> = query
        .split('&')
        .filter_map(|field| field.split_once('='))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect();
    let field = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, v)| &**v);
    let data = match path {
        "/api/v1/query" => {
            let until: f64 = field("time").and_then(|time| time.parse().ok()).unwrap_or_default();
            range(samples, field("query").unwrap_or_default(), until)
        }
        "/api/v1/label/le/values" => {
            let selector = field("match[]").unwrap_or_default();
            let chosen = samples.0.keys().filter(|labels| selects(selector, labels));
            let edges: std::collections::BTreeSet<&String> =
                chosen.filter_map(|labels| labels.get("le")).collect();
            json!(edges)
        }
        other => panic!("nobody asks for {other}"),
    };
    let mut body = json!({"status": "success", "data": data});
    if fails == Fails::Partial {
        body["warnings"] = json!(["a store did not answer"]);
    }
    Reply::json(200, &body)
}

/// The samples that a range selector means at a time.
fn range(samples: &Samples, query: &str, until: f64) -> Value {
    let (selector, time) = query.rsplit_once('[').unwrap();
    let time: f64 = time.trim_end_matches("ms]").parse().unwrap();
    let (from, until) = (until * 1e3 - time, until * 1e3);
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of today")]
    let result: Vec<Value> = samples
        .0
        .iter()
        .filter(|(labels, _)| selects(selector, labels))
        .map(|(labels, kept)| {
            let inside = kept.iter().filter(|(at, _)| from < *at as f64 && *at as f64 <= until);
            let values: Vec<Value> =
                inside.map(|(at, value)| json!([*at as f64 / 1e3, value.to_string()])).collect();
            json!({"metric": labels, "values": values})
        })
        .filter(|one| one["values"].as_array().is_some_and(|values| !values.is_empty()))
        .collect();
    json!({"resultType": "matrix", "result": result})
}

/// Returns `true` when the matchers of a selector fit: equalities, and alternatives of texts.
fn selects(selector: &str, labels: &Labels) -> bool {
    let mut rest = selector.trim_start_matches('{');
    while rest.contains('"') {
        let ((label, relation, value), after) = next(rest);
        let found = labels.get(&label).map_or("", String::as_str);
        let fits = match relation.as_str() {
            "=" => found == value,
            "!=" => found != value,
            "=~" => value.split('|').any(|one| matches(one, found)),
            other => panic!("nobody asks with {other}"),
        };
        if !fits {
            return false;
        }
        rest = after;
    }
    true
}

/// Returns `true` when one alternative fits: a text, or the beginning of one where it ends in `.+`.
fn matches(alternative: &str, found: &str) -> bool {
    let text = alternative.replace('\\', "");
    match text.strip_suffix(".+") {
        Some(begins) => found.len() > begins.len() && found.starts_with(begins),
        None => text == found,
    }
}

/// The first matcher of a text, and what follows it.
fn next(text: &str) -> ((String, String, String), &str) {
    let label: String =
        text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    let rest = &text[label.len()..];
    let relation: String = rest.chars().take_while(|c| *c != '"').collect();
    let rest = &rest[relation.len() + 1..];
    let end = rest.find('"').unwrap();
    let after = rest[end + 1..].trim_start_matches(',');
    ((label, relation, rest[..end].to_owned()), after)
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

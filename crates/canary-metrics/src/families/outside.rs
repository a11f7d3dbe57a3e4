//! The requests that a run sends: to the API server, to the models, and to the recipients of notices.

use crate::{
    family::{Family, Kind, Value},
    measured::{Answer, Route, Sent, Verb},
};

use super::labelled;

pub(super) static FAMILIES: &[Family] = &[
    Family {
        name: "api_requests",
        kind: Kind::Counter,
        unit: None,
        own_labels: &["verb", "result"],
        help: "Requests of the driver to the API server, or to the lab's store, by verb and class of the answer.",
        samples: |run| {
            let all = Verb::ALL.into_iter();
            all.flat_map(|verb| Answer::ALL.map(|answer| (verb, answer)))
                // For watches, only failures are counted.
                .filter(|pair| !matches!(pair, (Verb::Watch, Answer::Ok)))
                .map(|(verb, answer)| {
                    let labels = vec![verb.name().to_owned(), answer.name().to_owned()];
                    (labels, run.calls.count(verb, answer).into())
                })
                .collect()
        },
    },
    Family {
        name: "api_request_duration",
        kind: Kind::Histogram,
        unit: Some("seconds"),
        own_labels: &["verb"],
        help: "Duration of the driver's requests to the API server, from sending to the answer or the failure.",
        samples: |run| {
            let all = Verb::ALL.into_iter().filter(|verb| *verb != Verb::Watch);
            all.map(|verb| labelled(verb.name(), Value::Durations(run.calls.durations(verb))))
                .collect()
        },
    },
    Family {
        name: "prediction_requests",
        kind: Kind::Counter,
        unit: None,
        own_labels: &["route", "result"],
        help: "Requests to the models that the run sent itself, by route (weights, header or label) and outcome.",
        samples: |run| {
            let all = Route::ALL.into_iter();
            all.flat_map(|route| Sent::ALL.map(|sent| (route, sent)))
                .map(|(route, sent)| {
                    let labels = vec![route.name().to_owned(), sent.name().to_owned()];
                    (labels, run.predictions.count(route, sent).into())
                })
                .collect()
        },
    },
    Family {
        name: "notices",
        kind: Kind::Counter,
        unit: None,
        own_labels: &["result"],
        help: "Notices of the run, by result: delivered, or failed for good; no samples without recipients.",
        samples: |run| {
            run.notices.map_or_else(Vec::new, |counts| {
                let results = ["delivered", "failed"].into_iter().zip(counts);
                results.map(|(result, count)| labelled(result, count)).collect()
            })
        },
    },
];

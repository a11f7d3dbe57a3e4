//! Users who stay with a version, as clients with cookies see it through the lab's gateway: within a step nobody changes
//! sides, each step draws everybody again, and after a rollback nobody is left at the canary.

use std::time::Duration;

use canary_core::{
    Plan,
    cluster::Driver,
    evidence::{Kind, Recorder, Subsets, Timestamp},
    rollout::{Check, Hold, Step, Sticky},
};
use futures_util::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    rollouts::{verdict, written},
    targets::{Canary, Scene, http_route, lab, live, two_services},
};

const CLIENTS: usize = 300;
const REQUESTS: usize = 4;

/// A client that keeps cookies as a browser does: the last value of each name.
#[derive(Default)]
struct Client {
    cookies: Vec<(String, String)>,
}

impl Client {
    /// The version that answers one request, and whether the response sets a cookie.
    async fn get(&mut self, address: &str) -> (String, bool) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let all: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies =
            if all.is_empty() { String::new() } else { format!("cookie: {}\r\n", all.join("; ")) };
        let request = format!(
            "GET /v1/models/m HTTP/1.1\r\nhost: pets\r\n{cookies}connection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).await.unwrap();
        let text = String::from_utf8_lossy(&response);
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        let (mut version, mut set) = (None, false);
        for line in text.lines().take_while(|line| !line.is_empty()) {
            let Some((name, value)) = line.split_once(": ") else { continue };
            match name.to_ascii_lowercase().as_str() {
                "x-canary-subset" => version = Some(value.to_owned()),
                "set-cookie" => {
                    let (name, value) = value.split(';').next().unwrap().split_once('=').unwrap();
                    self.cookies.retain(|(kept, _)| kept != name);
                    self.cookies.push((name.to_owned(), value.to_owned()));
                    set = true;
                }
                _ => {}
            }
        }
        (version.expect("the response names its version"), set)
    }
}

/// Some requests of every client; gives the share of the clients at the canary. Every client has one version, and a
/// cookie from its first response of the step if `drawn`, and none otherwise.
async fn visit(
    clients: &mut [Client],
    address: &str,
    recorder: &Recorder,
    canary: &str,
    drawn: bool,
) -> f64 {
    let each = clients.iter_mut().enumerate().map(|(number, client)| async move {
        let mut versions = Vec::new();
        for request in 0..REQUESTS {
            let flight = recorder.begin(Timestamp::now()).user(number.to_string());
            let (version, set) = client.get(address).await;
            flight.end(Some(&version), 200);
            assert_eq!(set, drawn && request == 0, "request {request} of client {number}");
            versions.push(version);
        }
        assert!(versions.iter().all(|one| *one == versions[0]), "client {number}: {versions:?}");
        versions.swap_remove(0)
    });
    let versions = join_all(each).await;
    let at_canary = versions.iter().filter(|version| *version == canary).count();
    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    (at_canary as f64 / clients.len() as f64)
}

/// The plan of a scene, for users.
fn sticky(plan: Plan) -> Plan {
    let mut plan = plan
        .sticky(Sticky::cookie("canary-pets"))
        .users_within(Duration::from_millis(200))
        .request_timeout(Duration::from_millis(500));
    plan.guardrails
        .retain(|one| matches!(one.check, Check::ErrorRatio(_) | Check::ObservedSplit(_)));
    let visits = u64::try_from(CLIENTS * REQUESTS).unwrap();
    plan.steps = vec![
        Step::new(30).hold(Hold::total_requests(visits)),
        Step::new(60).hold(Hold::total_requests(1_000_000)),
        Step::new(100),
    ];
    plan
}

async fn clients_stay(scene: Scene) {
    let lab = lab(&scene, Canary::Good);
    let plan = sticky(scene.plan);
    let before = live(&lab, &plan).await;
    let subsets = Subsets::new(plan.stable.as_str(), plan.canary.as_str());
    let (recorder, source) =
        Recorder::channel("shop", subsets, [Kind::Requests, Kind::Users], 8_192);
    let (mut run, control) = Driver::new(lab.cluster().clone(), plan.clone())
        .unwrap()
        .source(source)
        .probe(|| async { Ok(()) })
        .tick(Duration::from_millis(20))
        .start()
        .await
        .unwrap();
    let url = lab.gateway_url();
    let address = url.trim_start_matches("http://");
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::default()).collect();
    for share in [30_u32, 60] {
        written(&mut run, share).await;
        // The gateway reads the object a little after the driver has written it.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let found = visit(&mut clients, address, &recorder, &plan.canary, true).await;
        // Four standard deviations, at 30 and at 60 %, of 300 clients.
        let distance = (found - f64::from(share) / 100.0).abs();
        assert!(distance < 0.115, "{found} of the clients are at the canary, at {share} %");
    }
    assert!(control.abort("enough was seen"));
    let verdict = verdict(&mut run).await;
    assert!(verdict.to_string().contains("enough was seen"), "{verdict}");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let left = visit(&mut clients, address, &recorder, &plan.canary, false).await;
    assert!(left.abs() < f64::EPSILON, "{left} of the clients are left at the canary");
    let rules = |objects: &[serde_json::Value]| {
        let spec = objects[0]["spec"].clone();
        spec.get("http").or(spec.get("rules")).unwrap().as_array().unwrap().len()
    };
    let after = live(&lab, &plan).await;
    assert_eq!(rules(&before), rules(&after));
    assert!(!after[0]["spec"].to_string().contains("Max-Age"), "{:#}", after[0]["spec"]);
}

#[tokio::test]
async fn clients_of_a_virtual_service_stay() {
    clients_stay(two_services()).await;
}

#[tokio::test]
async fn clients_of_an_http_route_stay() {
    clients_stay(http_route()).await;
}

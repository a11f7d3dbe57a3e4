//! Our rules of the Gateway API against a real API server with the definitions as published, of both channels:
//! generated objects must be admitted by both or by neither, and each rule has a case with its code.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "tests fail loudly and say what they leave out"
)]

mod cases;
mod generated;
mod verdicts;

use canary_tests::apiserver::ApiServer;

/// The channels of the definitions, in the order in which they are installed.
const CHANNELS: [&str; 2] = ["standard", "experimental"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_are_admitted_by_both_or_by_neither() {
    if ApiServer::gateway_api("standard").is_none() {
        return;
    }
    let Some(server) = ApiServer::start().await else { return };
    for channel in CHANNELS {
        server.install_gateway_api(channel).await;
        let cluster = server.connect("admin").await.unwrap().dry_run(true);
        cases::compare(&cluster, channel).await;
        generated::compare(&cluster, channel).await;
    }
}

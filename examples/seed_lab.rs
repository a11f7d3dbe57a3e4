//! The whole lab, from the first prediction to the promoted canary, on a mesh inside this process.
//!
//! ```text
//! cargo run --release --example seed_lab
//! ```
//!
//! Real models answer when their files are found (`make demo` installs them), scripted ones otherwise.
#![allow(clippy::print_stdout, reason = "an example speaks to its user")]

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use canary_core::{
    DestinationRule, Gateway, Manifest, VirtualService,
    predict::{Answer, Client},
    serving::Workload,
    stats::{Alpha, EProcess, Split},
};
use canary_lab::{Lab, model::ModelFiles};

const APP: &str = "image-classifier";
const GATEWAY: &str = "image-classifier-gateway";
const STABLE: &str = "efficientnet-lite0";
const CANARY: &str = "efficientnet-lite1";
const REQUESTS: usize = 120;

/// Prints one line a step, with the time it took.
struct Steps {
    count: usize,
    began: Instant,
}

impl Steps {
    fn done(&mut self, what: &str, seen: &str) {
        self.count += 1;
        println!("{:2}. [{:4.1} s] {what}: {seen}", self.count, self.began.elapsed().as_secs_f64());
    }
}

fn workload(version: &str) -> Workload {
    Workload::new(APP, version).model("image_classifier", format!("models/{version}"))
}

fn split(stable: i32, canary: i32) -> VirtualService {
    VirtualService::weighted(APP, [(STABLE, stable), (CANARY, canary)])
        .hosts(["*"])
        .gateway(GATEWAY)
        .port(8501)
        .stamp_subset(Client::SUBSET_HEADER)
}

fn best(answer: &Answer) -> Result<String> {
    let top = answer.top()?;
    let (label, probability) = top.first().context("the answer is empty")?;
    Ok(format!("{label}, {:.0} %", probability * 100.0))
}

fn deploy(lab: &Lab, version: &str) -> Result<()> {
    for object in workload(version).objects()? {
        lab.apply(&object)?;
    }
    Ok(lab.wait_ready(Duration::from_secs(60))?)
}

async fn subsets(client: &Client, photo: &[u8], requests: usize) -> Result<Vec<Option<String>>> {
    let mut answers = client.predict_many(vec![photo; requests], 4);
    let mut subsets = Vec::with_capacity(requests);
    while let Some(answer) = answers.next().await {
        subsets.push(answer?.subset().map(str::to_owned));
    }
    Ok(subsets)
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut steps = Steps { count: 0, began: Instant::now() };
    let files = ModelFiles::find();
    let photo = match files.as_ref().ok().and_then(|files| files.photo.as_ref()) {
        Some(path) => {
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?
        }
        None => b"any bytes do for a scripted model".to_vec(),
    };
    if let Err(error) = &files {
        println!("The models are scripted: {error}\n");
    }
    let lab = Lab::builder().scripted_when_missing().start()?;
    let client =
        Client::new(&lab.gateway_url())?.model("image_classifier").signature("serving_preprocess");

    let gateway = Gateway::http(GATEWAY, 80, ["*"]);
    let everything = VirtualService::to(APP).hosts(["*"]).gateway(GATEWAY).port(8501);
    println!("{}", Manifest::of([&gateway, &everything]).to_yaml()?);

    deploy(&lab, STABLE)?;
    steps.done("deployed", &format!("{} is ready", workload(STABLE).deployment_name()));

    lab.apply(&gateway)?;
    lab.apply(&everything)?;
    steps.done("opened the gateway", &lab.gateway_url());
    steps.done("sent the photo through it", &best(&client.predict(&photo).await?)?);

    lab.apply(&DestinationRule::subsets(APP, [CANARY, STABLE]))?;
    lab.apply(&split(100, 0))?;
    let answer = client.predict(&photo).await?;
    let by = answer.subset().context("the answer does not name its subset")?;
    steps.done("subsets, 100/0", &format!("answered by {by}: {}", best(&answer)?));

    deploy(&lab, CANARY)?;
    steps.done("deployed beside it", &format!("{} is ready", workload(CANARY).deployment_name()));

    lab.apply(&split(70, 30))?;
    let seen = subsets(&client, &photo, REQUESTS).await?;
    let served = seen.iter().filter(|subset| subset.as_deref() == Some(CANARY)).count() as u64;
    let mut share = Split::new(0.3)?;
    share.observe_counts(served, REQUESTS as u64 - served);
    let interval = share.interval(Alpha::new(0.05)?);
    steps.done(
        "weights 70/30",
        &format!(
            "{served} of {REQUESTS} answers by {CANARY}, between {:.0} % and {:.0} % (95 %)",
            interval.low * 100.0,
            interval.high * 100.0
        ),
    );

    let focused = VirtualService::to(APP)
        .subset(STABLE)
        .hosts(["*"])
        .gateway(GATEWAY)
        .port(8501)
        .when_header("user-group", "canary", CANARY)
        .stamp_subset(Client::SUBSET_HEADER);
    lab.apply(&focused)?;
    let plain = client.predict(&photo).await?;
    let user = client.clone().header("user-group", "canary").predict(&photo).await?;
    for (who, answer, expected) in
        [("without the header", &plain, STABLE), ("user-group: canary", &user, CANARY)]
    {
        let by = answer.subset().unwrap_or_default();
        if by != expected {
            bail!("focused routing, {who}: answered by {by:?}, expected {expected:?}");
        }
        steps.done(&format!("focused routing, {who}"), &format!("{by}: {}", best(answer)?));
    }

    lab.apply(&split(0, 100))?;
    let seen = subsets(&client, &photo, 10).await?;
    if seen.iter().any(|subset| subset.as_deref() != Some(CANARY)) {
        bail!("not every answer came from the canary");
    }
    let answer = client.predict(&photo).await?;
    steps.done("promoted", &format!("100 % to {CANARY}: {}", best(&answer)?));
    Ok(())
}

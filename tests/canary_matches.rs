//! Further conditions that lead to the canary, on the lab: colleagues reach it at weight 0 by a header's prefix or a cookie,
//! and nobody does after the release.

use std::time::Duration;

use canary_core::{
    Verdict,
    cluster::{Progress, Rollout},
    evidence::Sample,
    istio::StringMatch,
    predict::Client,
    rollout::{CanaryMatch, Hold, Step},
};
use canary_lab::Lab;
use futures_util::{StreamExt, stream};

use crate::targets::{CANARY, Canary, STABLE, Scene, http_route, lab, live, two_rules};

/// The version that answers a request with this header.
async fn answers(lab: &Lab, header: (&str, &str)) -> String {
    let client = Client::new(&lab.gateway_url()).unwrap().model("m");
    let client = client.signature("serving_preprocess").header(header.0, header.1);
    let answer = client.predict(&b"photo"[..]).await.unwrap();
    answer.subset().unwrap().to_owned()
}

async fn is_tried_at_weight_0(mut scene: Scene, [stable, canary]: [&str; 2]) {
    scene.plan.steps = vec![Step::new(0).hold(Hold::time(Duration::from_secs(600)))];
    let divided = Step::new(50).hold(Hold::total_requests(100));
    scene.plan.steps.extend([divided, Step::new(100)]);
    let plan = scene
        .plan
        .clone()
        .canary_match(CanaryMatch::new().header("x-team", StringMatch::prefix("ml-")))
        .canary_match(CanaryMatch::new().cookie("beta", "1"));
    let lab = lab(&scene, Canary::Good);
    let before = live(&lab, &plan).await;
    let client =
        Client::new(&lab.gateway_url()).unwrap().model("m").signature("serving_preprocess");
    let input = |number: u64| Sample::new(format!("{number}"), number.to_le_bytes().to_vec());
    let inputs = stream::iter((0_u64..).map(move |number| Ok(input(number))));
    let rollout = Rollout::of(plan.clone()).requests(client, input(0), inputs);
    let driver = rollout.tick(Duration::from_millis(20)).on(lab.cluster().clone()).unwrap();
    let (mut run, control) = driver.start().await.unwrap();
    let mut probed = false;
    while let Some(progress) = run.next().await {
        match progress.unwrap() {
            Progress::Probed { .. } => probed = true,
            Progress::Seen(_) if probed => {
                for (header, expected) in [
                    (("user-group", "canary"), canary),
                    (("x-team", "ml-vision"), canary),
                    (("x-team", "web"), stable),
                    (("cookie", "theme=dark; beta=1"), canary),
                    (("cookie", "beta=10"), stable),
                    (("accept", "*/*"), stable),
                ] {
                    assert_eq!(answers(&lab, header).await, expected, "{header:?}");
                }
                assert!(control.abort("the colleagues have seen enough"));
                probed = false;
            }
            Progress::Finished { verdict, .. } => {
                assert!(matches!(verdict, Verdict::Rollback { .. }), "{verdict}");
            }
            _ => {}
        }
    }
    for (before, after) in before.iter().zip(live(&lab, &plan).await) {
        assert_eq!(before["spec"], after["spec"], "nothing of the run is left");
    }
    for header in [("user-group", "canary"), ("x-team", "ml-vision"), ("cookie", "beta=1")] {
        assert_eq!(answers(&lab, header).await, stable, "{header:?}");
    }
}

#[tokio::test]
async fn a_virtual_service_leads_colleagues_to_the_canary() {
    is_tried_at_weight_0(two_rules(), ["lite0", "lite1"]).await;
}

#[tokio::test]
async fn an_http_route_leads_colleagues_to_the_canary() {
    is_tried_at_weight_0(http_route(), [STABLE, CANARY]).await;
}

//! The most frequent mistakes: each message names the object, the place and the remedy, and nothing panics.

use canary_core::{
    Manifest, VirtualService,
    error::Origin,
    image::Preprocess,
    predict::{Client, Retry},
};
use canary_lab::{Lab, model::Scripted};

fn routes() -> VirtualService {
    VirtualService::to("pets").hosts(["*"]).gateway("gateway").port(8501)
}

#[test]
fn a_misspelt_field_names_the_nearest_one_with_its_line() {
    let text = routes().to_json_value().unwrap().to_string().replace("\"host\"", "\"hots\"");
    let canary_core::manifest::Error::Invalid(findings) = Manifest::read(&text).unwrap_err() else {
        panic!()
    };
    let finding = findings.iter().find(|finding| finding.path.ends_with("hots")).unwrap();
    assert_eq!(finding.path, "spec.http[0].route[0].destination.hots");
    assert!(finding.to_string().contains("host") && finding.line == Some(1), "{finding}");
}

#[test]
fn a_wrong_kind_is_named() {
    let mut value = routes().to_json_value().unwrap();
    value["kind"] = "Gateway".into();
    let error = VirtualService::from_json_value(&value).unwrap_err().to_string();
    assert!(error.contains("Gateway") && error.contains("VirtualService"), "{error}");
}

#[test]
fn a_weight_of_minus_one_is_found_with_its_place() {
    let findings = VirtualService::weighted("pets", [("v1", -1), ("v2", 101)]).validate();
    let finding = findings.errors().next().unwrap();
    assert_eq!(finding.path, "spec.http[0].route[0].weight");
    assert!(finding.to_string().contains("weight is -1, must be 0 or more"), "{finding}");
}

#[test]
fn a_file_that_is_no_image_says_what_it_takes() {
    let error = Preprocess::unit(224, 224).apply(b"hello").unwrap_err();
    assert!(matches!(error, canary_core::serving::Error::Input { .. }), "{error:?}");
    assert!(error.to_string().contains("PNG"), "{error}");
}

#[tokio::test]
async fn a_model_that_does_not_exist_is_the_servers_no() {
    let lab = Lab::builder().model("m/1", Scripted::new("cat", 0.9)).start().unwrap();
    let workload = canary_core::serving::Workload::new("pets", "v1").model("pets", "m/1");
    for object in workload.objects().unwrap() {
        lab.apply(&object).unwrap();
    }
    lab.apply(&canary_core::Gateway::http("gateway", 80, ["*"])).unwrap();
    lab.apply(&routes()).unwrap();
    lab.wait_ready(std::time::Duration::from_secs(10)).unwrap();
    let client = Client::new(&lab.gateway_url()).unwrap().model("dogs");
    let canary_core::serving::Error::Predict(error) =
        client.predict(b"photo".as_slice()).await.unwrap_err()
    else {
        panic!()
    };
    assert_eq!((error.origin, error.status), (Origin::Server, Some(404)));
    assert!(error.to_string().contains("dogs") && error.url.contains("/v1/models/dogs"), "{error}");
}

#[tokio::test]
async fn a_gateway_that_does_not_listen_is_the_networks_no() {
    let client = Client::new("http://127.0.0.1:9").unwrap().model("pets").retry(Retry::never());
    let canary_core::serving::Error::Predict(error) =
        client.predict(b"photo".as_slice()).await.unwrap_err()
    else {
        panic!()
    };
    assert_eq!((error.origin, error.attempts), (Origin::Network, 1));
    assert!(error.to_string().contains("127.0.0.1:9") && !error.help.is_empty(), "{error}");
}

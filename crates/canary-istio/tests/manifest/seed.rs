//! The objects of the canary lab, built by the named constructors and written as in its YAML files.

use canary_core::{DestinationRule, Gateway, Manifest, Object, VirtualService, istio::StringMatch};

const GATEWAY: &str = r#"
apiVersion: networking.istio.io/v1alpha3
kind: Gateway
metadata:
  name: image-classifier-gateway
spec:
  selector:
    istio: ingressgateway
  servers:
  - port:
      number: 80
      name: http
      protocol: HTTP
    hosts:
    - "*"
"#;

const UNSPLIT: &str = r#"
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata:
  name: image-classifier
spec:
  hosts:
  - "*"
  gateways:
  - image-classifier-gateway
  http:
  - route:
    - destination:
        host: image-classifier
        port:
          number: 8501
"#;

const SUBSETS: &str = r"
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata:
  name: image-classifier
spec:
  host: image-classifier
  subsets:
  - name: resnet101
    labels:
      version: resnet101
  - name: resnet50
    labels:
      version: resnet50
";

const WEIGHT_70: &str = r#"
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata:
  name: image-classifier
spec:
  hosts:
  - "*"
  gateways:
  - image-classifier-gateway
  http:
  - route:
    - destination:
        host: image-classifier
        subset: resnet50
        port:
          number: 8501
      weight: 70
    - destination:
        host: image-classifier
        subset: resnet101
        port:
          number: 8501
      weight: 30
"#;

const FOCUSED: &str = r#"
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata:
  name: image-classifier
spec:
  hosts:
  - "*"
  gateways:
  - image-classifier-gateway
  http:
  - match:
    - headers:
        user-group:
          exact: canary
    route:
      - destination:
          host: image-classifier
          subset: resnet101
          port:
            number: 8501
  - route:
    - destination:
        host: image-classifier
        subset: resnet50
        port:
          number: 8501
"#;

/// The text is read as the object and written back as it was; the object is written so too, in the newest version.
fn same(text: &str, object: impl Into<Object>) {
    let object = object.into();
    let read = Manifest::read(text).unwrap();
    assert_eq!(read.objects, std::slice::from_ref(&object));
    let mut expected: serde_json::Value = serde_saphyr::from_str(text).unwrap();
    assert_eq!(read.to_json_value().unwrap(), expected);
    expected["apiVersion"] = "networking.istio.io/v1".into();
    assert_eq!(object.to_json_value().unwrap(), expected);
}

fn split(weights: [(&str, i32); 2]) -> VirtualService {
    VirtualService::weighted("image-classifier", weights)
        .hosts(["*"])
        .gateway("image-classifier-gateway")
        .port(8501)
}

#[test]
fn the_gateway() {
    same(GATEWAY, Gateway::http("image-classifier-gateway", 80, ["*"]));
}

#[test]
fn the_unsplit_route() {
    let all = VirtualService::to("image-classifier")
        .hosts(["*"])
        .gateway("image-classifier-gateway")
        .port(8501);
    same(UNSPLIT, all);
}

#[test]
fn the_subsets() {
    same(SUBSETS, DestinationRule::subsets("image-classifier", ["resnet101", "resnet50"]));
}

#[test]
fn weights_of_70_and_30() {
    same(WEIGHT_70, split([("resnet50", 70), ("resnet101", 30)]));
}

#[test]
fn a_weight_of_zero_is_kept() {
    let text = WEIGHT_70.replace("weight: 70", "weight: 100").replace("weight: 30", "weight: 0");
    same(&text, split([("resnet50", 100), ("resnet101", 0)]));
}

#[test]
fn focused_routing_by_header() {
    let focused = VirtualService::to("image-classifier")
        .subset("resnet50")
        .hosts(["*"])
        .gateway("image-classifier-gateway")
        .port(8501)
        .when_header("user-group", "canary", "resnet101");
    same(FOCUSED, focused);
}

#[test]
fn conditions_stand_before_the_rest_in_the_order_of_the_calls() {
    let focused = split([("resnet50", 70), ("resnet101", 30)])
        .when_header("user-group", "canary", "resnet101")
        .when_header("user-group", "staff", "resnet50");
    let rules = focused.spec.http.unwrap();
    let group = |rule: &canary_core::istio::HttpRoute| {
        rule.matches
            .as_ref()
            .map(|conditions| conditions[0].headers.clone().unwrap()["user-group"].clone())
    };
    let groups: Vec<_> = rules.iter().map(group).collect();
    assert_eq!(
        groups,
        [Some(StringMatch::exact("canary")), Some(StringMatch::exact("staff")), None]
    );
}

#[test]
fn answers_are_marked_with_their_subset() {
    let marked = split([("resnet50", 70), ("resnet101", 30)]).stamp_subset("x-canary-subset");
    let json = marked.to_json_value().unwrap();
    for (index, subset) in ["resnet50", "resnet101"].into_iter().enumerate() {
        let headers = &json["spec"]["http"][0]["route"][index]["headers"];
        assert_eq!(headers["response"]["set"]["x-canary-subset"], subset);
    }
}

#[test]
fn what_is_written_reads_like_the_lab() {
    let yaml = Manifest::of([&split([("resnet50", 70), ("resnet101", 30)])]).to_yaml().unwrap();
    let expected = WEIGHT_70.trim_start().replace("v1alpha3", "v1");
    assert_eq!(yaml.replace('\'', "\""), expected);
}

use super::{
    super::{
        Presence,
        memory::{Failure, Memory},
    },
    *,
};

fn rule() -> Value {
    json!({"metadata": {"name": "pets", "namespace": "shop"}, "spec": {"host": "pets", "subsets": [
        {"name": "v1", "labels": {"version": "v1"}}, {"name": "v2", "labels": {"version": "v2"}}]}})
}

fn objects() -> Vec<Value> {
    let meta = |name: &str| json!({"name": name, "namespace": "shop"});
    let deployment = |version: &str| {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(&format!("pets-{version}")),
        "spec": {"replicas": 1, "template": {
            "metadata": {"creationTimestamp": null, "labels": {"app": "pets", "version": version}},
            "spec": {
                "containers": [{"name": "server", "image": "serving:1",
                    "envFrom": [{"configMapRef": {"name": "env"}}],
                    "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "one", "key": "a"}}}]}],
                "volumes": [{"name": "models", "configMap": {"name": "files"}}],
            },
        }}})
    };
    let map = |name: &str| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(name),
            "data": {"a": "1", "b": "1"}})
    };
    let service = json!({"apiVersion": "v1", "kind": "Service", "metadata": meta("pets"),
        "spec": {"selector": {"app": "pets"}}});
    vec![service, deployment("v1"), deployment("v2"), map("env"), map("one"), map("files")]
}

const CANARY: usize = 2;
const MAPS: [usize; 3] = [3, 4, 5];

async fn id(objects: &[Value], subset: &str) -> Option<String> {
    let memory = Memory::new(objects.to_vec());
    release_id(&memory, "shop", &rule(), subset).await.unwrap()
}

/// Returns `true` when the canary is the same release after its objects were changed.
async fn same(change: impl FnOnce(&mut Vec<Value>)) -> bool {
    let mut changed = objects();
    change(&mut changed);
    id(&objects(), "v2").await.unwrap() == id(&changed, "v2").await.unwrap()
}

fn pod_template(objects: &mut [Value]) -> &mut Value {
    &mut objects[CANARY]["spec"]["template"]
}

#[tokio::test]
async fn an_id_is_a_digest_and_of_one_subset() {
    let canary = id(&objects(), "v2").await.unwrap();
    assert!(canary.len() == 32 && canary.bytes().all(|byte| byte.is_ascii_hexdigit()), "{canary}");
    assert_ne!(Some(canary), id(&objects(), "v1").await);
    assert_eq!(id(&objects(), "v3").await, None, "no such subset");
    assert_eq!(id(&objects()[..CANARY], "v2").await, None, "no workload");
    assert_eq!(id(&objects()[1..], "v2").await, None, "no Service");
}

#[tokio::test]
async fn what_serves_as_before_is_the_same_release() {
    assert!(same(|_| {}).await);
    assert!(same(|all| all[CANARY]["spec"]["replicas"] = json!(7)).await, "scaled");
    assert!(same(|all| all[CANARY]["status"] = json!({"readyReplicas": 1})).await, "status");
    assert!(same(|all| all[CANARY]["metadata"]["labels"] = json!({"team": "a"})).await);
    assert!(same(|all| all[CANARY]["metadata"]["name"] = json!("renamed")).await, "name");
    let restarted =
        json!({"kubectl.kubernetes.io/restartedAt": "now", "sidecar.istio.io/status": "{}"});
    assert!(
        same(|all| pod_template(all)["metadata"]["annotations"] = restarted).await,
        "restarted"
    );
    let digest = |all: &mut Vec<Value>| {
        pod_template(all)["metadata"]["labels"]["pod-template-hash"] = json!("7d9f8");
    };
    assert!(same(digest).await, "the controller's label");
    let absent = |all: &mut Vec<Value>| {
        pod_template(all)["metadata"].as_object_mut().unwrap().remove("creationTimestamp");
    };
    assert!(same(absent).await, "null and absent");
    assert!(same(|all| all[MAPS[1]]["data"]["b"] = json!("2")).await, "a key that is not used");
    assert!(same(|all| all[MAPS[0]]["metadata"]["labels"] = json!({"a": "b"})).await);
}

#[tokio::test]
async fn what_may_serve_otherwise_is_another_release() {
    let image = |all: &mut Vec<Value>| {
        pod_template(all)["spec"]["containers"][0]["image"] = json!("serving:2");
    };
    assert!(!same(image).await, "image");
    let checksum = json!({"checksum/config": "1"});
    assert!(!same(|all| pod_template(all)["metadata"]["annotations"] = checksum).await, "checksum");
    let empty = |all: &mut Vec<Value>| {
        pod_template(all)["spec"]["volumes"][0]["emptyDir"] = json!({});
    };
    assert!(!same(empty).await, "an empty object of the spec");
    for map in MAPS {
        assert!(!same(|all| all[map]["data"]["a"] = json!("2")).await, "contents of {map}");
        assert!(!same(|all| drop(all.remove(map))).await, "without {map}");
    }
    let second = |all: &mut Vec<Value>| {
        let mut second = all[CANARY].clone();
        second["kind"] = json!("StatefulSet");
        all.push(second);
    };
    assert!(!same(second).await, "a second workload");
}

#[tokio::test]
async fn presence_and_id_share_their_look_ups() {
    let memory = Memory::new(objects());
    let rule = rule();
    let mut behind = Behind::find(&memory, "shop", &rule, "v2", None).await.unwrap();
    assert!(matches!(behind.presence().await.unwrap(), Presence::Missing { hopeless: false, .. }));
    assert_eq!(behind.release_id().await.unwrap(), id(&objects(), "v2").await);
    let lists = ["get Service", "list Pod", "list Deployment", "list StatefulSet"];
    let calls = memory.calls();
    assert_eq!(calls[..4], lists);
    assert_eq!(calls[4..], ["get ConfigMap"; 3]);
}

#[tokio::test]
async fn a_subset_that_is_to_be_created_has_an_id_by_its_labels() {
    let memory = Memory::new(objects());
    let labels = BTreeMap::from([("version".to_owned(), "v2".to_owned())]);
    let rule = rule();
    let mut behind = Behind::find(&memory, "shop", &rule, "new", Some(&labels)).await.unwrap();
    assert_eq!(behind.release_id().await.unwrap(), id(&objects(), "v2").await);
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_and_what_is_not_served_is_not() {
    for kind in ["Service", "Deployment", "StatefulSet", "ConfigMap"] {
        let look = async |failure| {
            let memory = Memory::new(objects()).failing(kind, failure);
            release_id(&memory, "shop", &rule(), "v2").await
        };
        let forbidden = look(Failure::Forbidden).await.unwrap_err();
        assert!(forbidden.to_string().contains("grant the verb"), "{kind}: {forbidden}");
        assert!(look(Failure::Away).await.unwrap_err().is_retryable(), "{kind}");
        let served = look(Failure::Unserved).await.unwrap();
        assert_eq!(served.is_some(), matches!(kind, "StatefulSet" | "ConfigMap"), "{kind}");
    }
}

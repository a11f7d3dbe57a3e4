//! The probe before the first weight: what it says of a connection and of a canary that refuse.

use canary_core::{
    Plan,
    cluster::{HeaderProbe, Probe},
    predict::Client,
};

use crate::server::{Reply, block_on, serve};

fn plan() -> Plan {
    Plan::new("image-classifier", "resnet50", "resnet101").header("user-group", "canary")
}

#[test]
fn an_address_that_refuses_connections_is_named() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Client::new(&format!("http://{closed}")).unwrap().model("m");
    let probe = HeaderProbe::new(&plan(), &client, b"x".as_slice());
    block_on(async {
        let refused = format!("connection refused ({closed})");
        assert_eq!(probe.stable().await.unwrap_err(), refused);
        let missing = probe.reach().await.unwrap_err();
        assert_eq!(missing.why, format!("resnet101 does not answer: {refused}"));
        assert!(missing.may_come);
    });
}

#[test]
fn a_refusal_of_the_canary_is_told_by_its_status() {
    let (client, _) = serve(|_, with_header| {
        if with_header { Reply::failed(404, "resnet101") } else { Reply::by("resnet50", "cat") }
    });
    let probe = HeaderProbe::new(&plan(), &client, b"x".as_slice());
    block_on(async {
        assert_eq!(probe.stable().await, Ok(()));
        let missing = probe.reach().await.unwrap_err();
        assert!(missing.why.starts_with("resnet101 does not answer: 404"), "{}", missing.why);
        assert!(!missing.may_come);
    });
}

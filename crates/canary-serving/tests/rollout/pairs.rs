//! Pairs of responses of both models.

use canary_core::{
    evidence::{Answer, Pair, Pairing, Subsets, Traffic},
    predict::Client,
};

use crate::server::{Reply, block_on, serve};

fn pairing(client: &Client) -> Pairing<Client> {
    Pairing::new(client, "user-group", "canary", Subsets::new("a", "b"))
}

fn send(client: &Client) -> Result<Pair, canary_core::rollout::Error> {
    block_on(pairing(client).send(b"x".as_slice(), "x", None))
}

#[test]
fn both_models_get_requests_and_the_stable_one_until_it_responds() {
    let (client, sent) = serve(|number, by_header| {
        // The weights send the first two to the canary as the header does.
        if by_header || number < 2 { Reply::by("b", "dog") } else { Reply::by("a", "cat") }
    });
    let pair =
        block_on(pairing(&client).send(b"photo".as_slice(), "photo.jpg", Some("cat"))).unwrap();
    assert_eq!(*sent.lock().unwrap(), [false; 3], "the weights have led to both");
    assert_eq!((pair.stable, pair.canary), (Answer::new("cat", 0.75), Answer::new("dog", 0.75)));
    assert_eq!(pair.input, Some(Pair::digest(b"photo")));
    assert_eq!((pair.name.as_deref(), pair.label.as_deref()), (Some("photo.jpg"), Some("cat")));
}

#[test]
fn a_header_on_the_client_does_not_reach_the_stable_model() {
    let (client, sent) =
        serve(|_, by_header| if by_header { Reply::by("b", "dog") } else { Reply::by("a", "cat") });
    let client = client.header("user-group", "canary");
    block_on(pairing(&client).send(b"photo".as_slice(), "photo.jpg", None)).unwrap();
    assert_eq!(*sent.lock().unwrap(), [false, true]);
}

#[test]
fn a_response_of_the_wrong_model_is_an_error_that_names_it() {
    let (client, _) = serve(|_, _| Reply::by("a", "cat"));
    let error = send(&client).unwrap_err().to_string();
    assert!(error.contains("answered by subset a instead of b"), "{error}");

    let (client, sent) = serve(|_, _| Reply::by("b", "dog"));
    let error = send(&client).unwrap_err().to_string();
    assert!(error.contains("answered by subset b instead of a"), "{error}");
    assert_eq!(sent.lock().unwrap().len(), Traffic::<Client>::ATTEMPTS as usize);

    let (client, sent) = serve(|_, _| Reply { subset: None, ..Reply::by("a", "cat") });
    let error = send(&client).unwrap_err().to_string();
    assert!(error.contains("set the response header"), "{error}");
    assert_eq!(sent.lock().unwrap().len(), 1, "sending again would not help");
}

#[test]
fn a_model_that_fails_fails_its_half_once() {
    let (client, sent) =
        serve(|_, by_header| Reply::failed(if by_header { 404 } else { 500 }, "b"));
    let client = client.retry(canary_core::predict::Retry::default().attempts(5));
    // Each failure names the canary, and the stable model is never reached.
    assert!(send(&client).unwrap_err().to_string().contains("answered by subset b instead of a"));
    assert_eq!(
        sent.lock().unwrap().len(),
        Traffic::<Client>::ATTEMPTS as usize,
        "no request is repeated"
    );

    let (client, _) =
        serve(
            |_, by_header| {
                if by_header { Reply::failed(404, "b") } else { Reply::by("a", "cat") }
            },
        );
    let pair = send(&client).unwrap();
    assert_eq!((pair.stable.failed, pair.canary), (false, Answer::failure("404 no")));

    let nobody = Client::new("http://127.0.0.1:1").unwrap().model("m");
    let error = send(&nobody).unwrap_err();
    assert!(matches!(error, canary_core::rollout::Error::Predictor(_)), "{error}");
}

#[test]
fn the_header_route_is_probed_with_what_stands_in_the_way() {
    let (client, _) = serve(|_, _| Reply::by("b", "dog"));
    assert_eq!(block_on(pairing(&client).reach(b"x".as_slice())), Ok(()));
    let (client, _) = serve(|_, _| Reply::by("a", "cat"));
    assert!(block_on(pairing(&client).reach(b"x".as_slice())).unwrap_err().contains("subset a"));
    let (client, _) = serve(|_, _| Reply::failed(404, "b"));
    assert!(block_on(pairing(&client).reach(b"x".as_slice())).unwrap_err().contains("404"));
}

//! Pairs of answers: the same input to both models, the canary reached through the header route.

use std::sync::Arc;

use super::{
    asker::{Asker, Halves},
    observation::{Pair, Subsets},
    sample::digest,
};
use crate::{
    Result,
    predict::{Client, Input},
};

/// Asks both models the same, through one address.
///
/// The stable model is reached by the route that the weights divide: a response from the canary there is its half of
/// the pair, and the stable model is asked for again. The canary is otherwise reached by the plan's header. Who
/// answered is read from the response's subset header, and a response that does not name its subset is an error,
/// because nobody could tell what was compared. A model that fails gives a half that says so
/// ([`super::Answer::failed`]), and each request is sent once: a repeated one would hide the failure.
#[derive(Clone, Debug)]
pub struct Pairing(Asker);

impl Pairing {
    /// Pairs through `client`, with the header that leads to the canary.
    pub fn new(client: &Client, header: &str, value: &str, subsets: Subsets) -> Self {
        Self(Asker::new(client, Some((header, value)), subsets))
    }

    /// Asks both models with an input: an image file, or arrays of a batch of one. `name` and `label` go into the pair.
    ///
    /// # Errors
    /// [`crate::Error::Predict`] when the input cannot be sent, or nobody answers and nobody says who failed;
    /// [`crate::Error::Plan`] when a response does not come from the model that was asked, names no subset, or has a
    /// row for each of several inputs.
    pub async fn ask<'a>(
        &self,
        input: impl Into<Input<'a>>,
        name: &str,
        label: Option<&str>,
    ) -> Result<Pair> {
        let Self(asker) = self;
        let input = &input.into();
        let halves = asker.ask(input, name, None).await?;
        let Halves { stable, canary, .. } = halves.map_err(|why| why.into_error(&asker.subsets))?;
        Ok(Pair {
            input: Some(digest(input)?),
            name: Some(Arc::from(name)),
            stable,
            canary,
            label: label.map(str::to_owned),
        })
    }

    /// Whether the header route answers from the canary; what stands in the way otherwise. The answer of a driver's
    /// probe.
    ///
    /// # Errors
    /// A line that says what came instead.
    pub async fn reach<'a>(&self, input: impl Into<Input<'a>>) -> Result<(), String> {
        self.0.reach(&input.into()).await.map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::test_server::{Reply, serve},
        super::{asker::ATTEMPTS, observation::Answer},
        *,
    };

    fn pairing(client: &Client) -> Pairing {
        Pairing::new(client, "user-group", "canary", Subsets::new("a", "b"))
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(future)
    }

    #[test]
    fn both_models_are_asked_and_the_stable_one_until_it_answers() {
        let (client, asked) = serve(|number, by_header| {
            // The weights send the first two to the canary as the header does.
            if by_header || number < 2 { Reply::by("b", "dog") } else { Reply::by("a", "cat") }
        });
        let pair =
            block_on(pairing(&client).ask(b"photo".as_slice(), "photo.jpg", Some("cat"))).unwrap();
        assert_eq!(*asked.lock().unwrap(), [false; 3], "the weights have led to both");
        assert_eq!(
            (pair.stable, pair.canary),
            (Answer::new("cat", 0.75), Answer::new("dog", 0.75))
        );
        assert_eq!(pair.input, Some(Pair::digest(b"photo")));
        assert_eq!((pair.name.as_deref(), pair.label.as_deref()), (Some("photo.jpg"), Some("cat")));
    }

    #[test]
    fn a_header_on_the_client_does_not_reach_the_stable_model() {
        let (client, asked) =
            serve(
                |_, by_header| {
                    if by_header { Reply::by("b", "dog") } else { Reply::by("a", "cat") }
                },
            );
        let client = client.header("user-group", "canary");
        block_on(pairing(&client).ask(b"photo".as_slice(), "photo.jpg", None)).unwrap();
        assert_eq!(*asked.lock().unwrap(), [false, true]);
    }

    #[test]
    fn an_answer_of_the_wrong_model_is_an_error_that_says_who_answered() {
        let (client, _) = serve(|_, _| Reply::by("a", "cat"));
        let error =
            block_on(pairing(&client).ask(b"x".as_slice(), "x", None)).unwrap_err().to_string();
        assert!(error.contains("a response of b") && error.contains("subset a"), "{error}");

        let (client, asked) = serve(|_, _| Reply::by("b", "dog"));
        let error =
            block_on(pairing(&client).ask(b"x".as_slice(), "x", None)).unwrap_err().to_string();
        assert!(error.contains("a response of a") && error.contains("subset b"), "{error}");
        assert_eq!(asked.lock().unwrap().len(), ATTEMPTS as usize);

        let (client, asked) = serve(|_, _| Reply { subset: None, ..Reply::by("a", "cat") });
        let error =
            block_on(pairing(&client).ask(b"x".as_slice(), "x", None)).unwrap_err().to_string();
        assert!(error.contains("set the response header"), "{error}");
        assert_eq!(asked.lock().unwrap().len(), 1, "asking again would not help");
    }

    #[test]
    fn a_model_that_fails_fails_its_half_once() {
        let (client, asked) =
            serve(|_, by_header| Reply::failed(if by_header { 404 } else { 500 }, "b"));
        let client = client.retry(crate::predict::Retry::default().attempts(5));
        let ask = || block_on(pairing(&client).ask(b"x".as_slice(), "x", None));
        // Each failure names the canary, and the stable model is never reached.
        assert!(ask().unwrap_err().to_string().contains("a response of a"));
        assert_eq!(asked.lock().unwrap().len(), ATTEMPTS as usize, "no request is repeated");

        let (client, _) =
            serve(
                |_, by_header| {
                    if by_header { Reply::failed(404, "b") } else { Reply::by("a", "cat") }
                },
            );
        let pair = block_on(pairing(&client).ask(b"x".as_slice(), "x", None)).unwrap();
        assert_eq!((pair.stable.failed, pair.canary), (false, Answer::failure("404 no")));

        let nobody = Client::new("http://127.0.0.1:1").unwrap().model("m");
        let error = block_on(pairing(&nobody).ask(b"x".as_slice(), "x", None)).unwrap_err();
        assert!(matches!(error, crate::Error::Predict(_)), "{error}");
    }

    #[test]
    fn the_header_route_is_probed_with_what_stands_in_the_way() {
        let (client, _) = serve(|_, _| Reply::by("b", "dog"));
        assert_eq!(block_on(pairing(&client).reach(b"x".as_slice())), Ok(()));
        let (client, _) = serve(|_, _| Reply::by("a", "cat"));
        assert!(
            block_on(pairing(&client).reach(b"x".as_slice())).unwrap_err().contains("subset a")
        );
        let (client, _) = serve(|_, _| Reply::failed(404, "b"));
        assert!(block_on(pairing(&client).reach(b"x".as_slice())).unwrap_err().contains("404"));
    }
}

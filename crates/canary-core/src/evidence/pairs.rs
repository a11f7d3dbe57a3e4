//! Pairs of answers: the same input to both models, the canary reached through the header route.

use std::sync::Arc;

use super::{
    observation::{Answer, Pair, Subsets},
    sample::digest,
};
use crate::{
    Error, Result,
    predict::{self, Client, Input},
};

/// How often the stable model is asked before it is given up: the weights send some of the requests to the canary.
const ATTEMPTS: u32 = 32;

/// Asks both models the same, through one address.
///
/// The canary is reached by the plan's header, the stable model by the route that the weights divide: an answer from
/// the canary there is asked for again. Who answered is read from the answers' subset header, and an answer that does
/// not name its subset is an error, because nobody could tell what was compared.
#[derive(Clone, Debug)]
pub struct Pairing {
    stable: Client,
    canary: Client,
    subsets: Subsets,
}

impl Pairing {
    /// Pairs through `client`, with the header that leads to the canary.
    pub fn new(client: &Client, header: &str, value: &str, subsets: Subsets) -> Self {
        Self {
            stable: client.clone().without_header(header),
            canary: client.clone().header(header, value),
            subsets,
        }
    }

    /// Asks both models with an input: an image file, or arrays of a batch of one. `name` and `label` go into the pair.
    ///
    /// # Errors
    /// [`Error::Predict`] when a model cannot be asked; [`Error::Plan`] when an answer does not come from the model that
    /// was asked, names no class, or has several rows.
    pub async fn ask<'a>(
        &self,
        input: impl Into<Input<'a>>,
        name: &str,
        label: Option<&str>,
    ) -> Result<Pair> {
        let input = &input.into();
        let canary = self.answer(&self.canary, input, name, &self.subsets.canary, 1).await?;
        let stable = self.answer(&self.stable, input, name, &self.subsets.stable, ATTEMPTS).await?;
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
        let asked =
            self.answer(&self.canary, &input.into(), "the probe", &self.subsets.canary, 1).await;
        asked.map(|_| ()).map_err(|error| error.to_string())
    }

    async fn answer(
        &self,
        client: &Client,
        input: &Input<'_>,
        name: &str,
        wanted: &str,
        attempts: u32,
    ) -> Result<Answer> {
        let mut found = None;
        for _ in 0..attempts {
            let answer = client.predict(input).await?;
            if answer.subset() == Some(wanted) {
                return top(&answer, name);
            }
            found = answer.subset().map(str::to_owned);
            if found.is_none() {
                break;
            }
        }
        let found = found.map_or_else(
            || "no subset: set the response header that names it on each destination".to_owned(),
            |found| format!("subset {found}"),
        );
        Err(Error::Plan(format!("asked for an answer of {wanted}, and the answer names {found}")))
    }
}

/// The top class of the answer to the input of that name, which is one row: of several, all but one would go unseen.
pub(super) fn top(answer: &predict::Answer, name: &str) -> Result<Answer> {
    let mut rows = answer.top_rows()?;
    if rows.len() > 1 {
        return Err(Error::Plan(format!(
            "the answer to {name} has {} rows, and a pair compares one with one; give each input in a batch of its own",
            rows.len()
        )));
    }
    let best = rows.pop().and_then(|row| row.into_iter().next());
    let (class, score) =
        best.ok_or_else(|| Error::Plan(format!("the answer to {name} names no class")))?;
    Ok(Answer::new(class, f64::from(score)))
}

#[cfg(test)]
mod tests {
    use super::{
        super::test_server::{Reply, serve},
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
            if by_header || number < 3 { Reply::by("b", "dog") } else { Reply::by("a", "cat") }
        });
        let pair =
            block_on(pairing(&client).ask(b"photo".as_slice(), "photo.jpg", Some("cat"))).unwrap();
        assert_eq!(*asked.lock().unwrap(), [true, false, false, false]);
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
        assert_eq!(*asked.lock().unwrap(), [true, false]);
    }

    #[test]
    fn an_answer_of_the_wrong_model_is_an_error_that_says_who_answered() {
        let (client, _) = serve(|_, _| Reply::by("a", "cat"));
        let error =
            block_on(pairing(&client).ask(b"x".as_slice(), "x", None)).unwrap_err().to_string();
        assert!(error.contains("an answer of b") && error.contains("subset a"), "{error}");

        let (client, asked) = serve(|_, _| Reply::by("b", "dog"));
        let error =
            block_on(pairing(&client).ask(b"x".as_slice(), "x", None)).unwrap_err().to_string();
        assert!(error.contains("an answer of a") && error.contains("subset b"), "{error}");
        assert_eq!(asked.lock().unwrap().len(), 1 + ATTEMPTS as usize);

        let (client, asked) = serve(|_, _| Reply { subset: None, ..Reply::by("a", "cat") });
        let error =
            block_on(pairing(&client).ask(b"x".as_slice(), "x", None)).unwrap_err().to_string();
        assert!(error.contains("set the response header"), "{error}");
        assert_eq!(asked.lock().unwrap().len(), 1, "asking again would not help");
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

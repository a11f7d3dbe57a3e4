//! Inputs to which the two models gave different answers, as cards.

use std::fmt::Write as _;

use super::escape::escape;

/// An input to which the two models gave different answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Disagreement {
    /// The input's name.
    pub input: String,
    /// A small picture of it as a `data:` URL (`image/png`, `image/jpeg` or `image/webp`); other URLs are left out.
    pub thumbnail: Option<String>,
    /// The stable model's class and its probability.
    pub stable: (String, Option<f64>),
    /// The canary's class and its probability.
    pub canary: (String, Option<f64>),
}

/// One card for each disagreement: picture, name, both answers. A fragment of HTML, escaped and without style: the
/// page gives its classes `gallery`, `card`, `dim`, `s` and `c` their looks.
///
/// ```
/// use canary_core::rollout::report::{Disagreement, cards};
///
/// let one = Disagreement {
///     input: "cat.jpg".to_owned(),
///     thumbnail: None,
///     stable: ("tabby".to_owned(), Some(0.9)),
///     canary: ("<b>".to_owned(), None),
/// };
/// assert!(cards(&[one]).contains("&lt;b&gt;"));
/// ```
pub fn cards(disagreements: &[Disagreement]) -> String {
    let mut html = String::from("<div class=\"gallery\">");
    for one in disagreements {
        let picture = one
            .thumbnail
            .as_deref()
            .filter(|url| is_picture(url))
            .map(|url| format!("<img alt=\"\" src=\"{}\">", escape(url)))
            .unwrap_or_default();
        let answer = |(class, score): &(String, Option<f64>)| {
            let sure = score.map(|score| format!(" {:.0} %", score * 100.0)).unwrap_or_default();
            format!("{}<span class=\"dim\">{sure}</span>", escape(class))
        };
        let _ = write!(
            html,
            "<div class=\"card\">{picture}<div class=\"dim\">{}</div><div><i class=\"s\"></i>{}</div>\
             <div><i class=\"c\"></i>{}</div></div>",
            escape(&one.input),
            answer(&one.stable),
            answer(&one.canary)
        );
    }
    html.push_str("</div>");
    html
}

/// Only pictures inside the page itself: no request leaves it.
fn is_picture(url: &str) -> bool {
    ["data:image/png;base64,", "data:image/jpeg;base64,", "data:image/webp;base64,"].iter().any(
        |start| {
            url.strip_prefix(start).is_some_and(|data| {
                data.bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
            })
        },
    )
}

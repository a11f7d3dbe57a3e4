//! The log of the seed's lab as it ran, which the documentation shows.

use std::{fmt::Write, time::Instant};

use canary_tests::parts::root;

/// One line for each step.
pub(crate) struct Log {
    began: Instant,
    text: String,
    /// The heading on the page above the log.
    heading: &'static str,
}

impl Log {
    /// The log that the page has under this heading.
    pub(crate) fn under(heading: &'static str) -> Self {
        Self { began: Instant::now(), text: String::new(), heading }
    }

    /// Adds a step with the number that it has in the lab, and its outcome.
    pub(crate) fn step(&mut self, number: u32, what: &str, seen: &str) {
        let seconds = self.began.elapsed().as_secs_f64();
        writeln!(self.text, "{number:2}  {seconds:5.1} s  {what}: {seen}").unwrap();
        println!("{number:2}  {seconds:5.1} s  {what}: {seen}");
    }

    /// Prints the log, and compares it with the page that shows one: the same steps, whatever the numbers in them.
    ///
    /// With `CANARY_ISTIOD_LOG=write` the page is given this log.
    pub(crate) fn finish(&self) {
        let path = root().join("docs/istiod.md");
        let page = std::fs::read_to_string(&path).unwrap();
        let (above, rest) = page.split_once(self.heading).unwrap();
        let (between, rest) = rest.split_once("```text\n").unwrap();
        let before = format!("{above}{}{between}", self.heading);
        let (shown, after) = rest.split_once("```\n").unwrap();
        if std::env::var("CANARY_ISTIOD_LOG").is_ok_and(|value| value == "write") {
            std::fs::write(path, format!("{before}```text\n{}```\n{after}", self.text)).unwrap();
        } else {
            assert_eq!(
                without_numbers(&self.text),
                without_numbers(shown),
                "docs/istiod.md shows other steps; CANARY_ISTIOD_LOG=write renews them"
            );
        }
    }
}

/// A text without the numbers that differ between runs; those of names, such as `resnet50`, stay.
fn without_numbers(text: &str) -> String {
    let word = |word: &str| {
        let measured = word.trim_end_matches([',', '.']).parse::<f64>().is_ok();
        if measured { "#".to_owned() } else { word.to_owned() }
    };
    let line = |line: &str| line.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

//! Commands of people to a running release, as an annotation carries them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::evidence::Timestamp;

/// The annotation of the `VirtualService` in which people give commands to the release that runs on it.
///
/// Its value is a line `VERB NONCE [by=NAME] [at=TIME] [REASON]`, such as `abort 7 the labels are shifted by one`. The
/// nonce is any word that was not used before: it distinguishes a command from the same one given earlier. Of several
/// lines that were not read before, the last one is carried out and all are recorded.
pub const COMMAND_ANNOTATION: &str = "canary-rs.github.io/rollout-command";

/// The number of commands that a state remembers.
pub(crate) const REMEMBERED: usize = 5;

/// The longest nonce, name and reason that are kept, in characters.
const NONCE_CHARS: usize = 40;
const NAME_CHARS: usize = 60;
const WHY_CHARS: usize = 160;

/// A command to a running release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verb {
    /// Pause at the weights in force; the guardrails continue.
    Pause,
    /// Resume after a pause.
    Resume,
    /// Approve the step that waits.
    Approve,
    /// Go back to the stable version now.
    Abort,
    /// End the release with all traffic at the canary, even if its evidence is incomplete.
    Promote,
}

impl Verb {
    /// Every verb.
    pub const ALL: [Self; 5] =
        [Self::Pause, Self::Resume, Self::Approve, Self::Abort, Self::Promote];

    /// The word in the annotation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Approve => "approve",
            Self::Abort => "abort",
            Self::Promote => "promote",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One command with who gave it, when and why.
///
/// ```
/// use canary_core::rollout::{Command, CommandLine, Verb};
///
/// let command = Command::new(Verb::Abort, "7").by("alice").why("the labels are shifted");
/// assert_eq!(command.to_string(), "abort 7 by=alice the labels are shifted");
/// assert_eq!(Command::read_all("pause 6\nabort 7 by=alice the labels are shifted")[1], CommandLine::Given(command));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The action.
    pub verb: Verb,
    /// A word that distinguishes it from earlier commands; empty for one given in the driver's own process.
    pub nonce: String,
    /// The person, where the command names one.
    pub by: String,
    /// The time, where the command names one.
    pub at: Option<Timestamp>,
    /// The reason; may be empty.
    pub why: String,
}

impl Command {
    /// A command without a name, a time or a reason.
    pub fn new(verb: Verb, nonce: impl Into<String>) -> Self {
        Self {
            verb,
            nonce: word(&nonce.into(), NONCE_CHARS),
            by: String::new(),
            at: None,
            why: String::new(),
        }
    }

    /// Names the person.
    #[must_use]
    pub fn by(mut self, by: impl Into<String>) -> Self {
        self.by = word(&by.into(), NAME_CHARS);
        self
    }

    /// Sets the time, to the second.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = Some(Timestamp(at.0 / 1_000 * 1_000));
        self
    }

    /// Sets the reason.
    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.why = words(why.into().split_whitespace());
        self
    }

    /// Reads the lines of an annotation; a line that is not a command becomes a refusal with the reason.
    pub fn read_all(text: &str) -> Vec<CommandLine> {
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(REMEMBERED)..]
            .iter()
            .map(|line| CommandLine::read(line))
            .collect()
    }

    /// The record of this command with its outcome.
    pub fn record(&self, now: Timestamp, outcome: CommandOutcome) -> CommandRecord {
        let Self { verb, nonce, mut by, at, why } = self.clone();
        if by.is_empty() && nonce.is_empty() {
            "the driver's process".clone_into(&mut by);
        }
        CommandRecord {
            command: verb.name().to_owned(),
            nonce,
            by,
            at: at.unwrap_or(now),
            why,
            outcome: outcome.shortened(),
        }
    }
}

/// The line in the annotation.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.nonce)?;
        if !self.by.is_empty() {
            write!(f, " by={}", self.by)?;
        }
        if let Some(at) = self.at.and_then(moment) {
            write!(f, " at={at}")?;
        }
        if self.why.is_empty() { Ok(()) } else { write!(f, " {}", self.why) }
    }
}

/// A line of the annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandLine {
    /// A command.
    Given(Command),
    /// A line that cannot be carried out, with the reason.
    Refused(CommandRecord),
}

impl CommandLine {
    /// Reads one line.
    pub fn read(line: &str) -> Self {
        read(line)
    }

    /// The word that distinguishes it from other lines; empty for a command given in the driver's own process.
    pub fn nonce(&self) -> &str {
        match self {
            Self::Given(Command { nonce, .. }) | Self::Refused(CommandRecord { nonce, .. }) => {
                nonce
            }
        }
    }

    /// The command, if it is one.
    pub fn command(&self) -> Option<&Command> {
        match self {
            Self::Given(command) => Some(command),
            Self::Refused(_) => None,
        }
    }
}

impl From<Command> for CommandLine {
    fn from(command: Command) -> Self {
        Self::Given(command)
    }
}

/// A command that a driver has read, and its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CommandRecord {
    /// The verb as it was written.
    pub command: String,
    /// The nonce; empty for a command given in the driver's own process.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub nonce: String,
    /// The person that the command names, or the field manager that wrote the annotation.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    /// The time of the command; that of reading where it names none.
    pub at: Timestamp,
    /// The reason; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// The outcome.
    pub outcome: CommandOutcome,
}

/// The outcome of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum CommandOutcome {
    /// It was carried out.
    Done,
    /// A later command replaced it before it was read.
    Superseded,
    /// It was not carried out, for this reason.
    Refused(String),
}

impl CommandOutcome {
    fn shortened(self) -> Self {
        match self {
            Self::Refused(why) => Self::Refused(why.chars().take(2 * WHY_CHARS).collect()),
            other => other,
        }
    }
}

/// The command in one line, with its outcome.
impl fmt::Display for CommandRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = if self.by.is_empty() { "somebody" } else { &self.by };
        write!(f, "{} by {by}, {}", self.command, self.at)?;
        if !self.why.is_empty() {
            write!(f, " ({})", self.why)?;
        }
        match &self.outcome {
            CommandOutcome::Done => f.write_str(": done"),
            CommandOutcome::Superseded => f.write_str(": superseded by a later command"),
            CommandOutcome::Refused(why) => write!(f, ": refused: {why}"),
        }
    }
}

fn read(line: &str) -> CommandLine {
    let mut tokens = line.split_whitespace().peekable();
    let name = tokens.next().unwrap_or_default();
    let nonce = word(tokens.next().unwrap_or_default(), NONCE_CHARS);
    let (mut by, mut at) = (String::new(), None);
    while let Some(token) = tokens.peek() {
        if let Some(given) = token.strip_prefix("by=") {
            by = word(given, NAME_CHARS);
        } else if let Some(given) = token.strip_prefix("at=") {
            at = given
                .parse::<jiff::Timestamp>()
                .ok()
                .map(|at| Timestamp(u64::try_from(at.as_millisecond()).unwrap_or(0)));
        } else {
            break;
        }
        tokens.next();
    }
    let why = words(tokens);
    let refused = |reason: String, nonce: String| CommandRecord {
        command: word(name, NONCE_CHARS),
        nonce,
        by: by.clone(),
        at: at.unwrap_or(Timestamp(0)),
        why: why.clone(),
        outcome: CommandOutcome::Refused(reason),
    };
    let Some(verb) = Verb::ALL.into_iter().find(|verb| verb.name() == name) else {
        let known: Vec<&str> = Verb::ALL.iter().map(|verb| verb.name()).collect();
        let reason = format!("it is not one of {}", known.join(", "));
        // Without a nonce, the line itself is the nonce.
        let nonce = if nonce.is_empty() { digest(line) } else { nonce };
        return CommandLine::Refused(refused(reason, nonce));
    };
    if nonce.is_empty() {
        let reason =
            format!("it has no nonce; write a word that was not used before, as in \"{verb} 7\"");
        return CommandLine::Refused(refused(reason, digest(line)));
    }
    CommandLine::Given(Command { verb, nonce, by, at, why })
}

fn digest(line: &str) -> String {
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(line.as_bytes()))
}

/// A text as one word of limited length.
fn word(text: &str, most: usize) -> String {
    let joined: Vec<&str> = text.split_whitespace().collect();
    joined.join("_").chars().take(most).collect()
}

fn words<'a>(tokens: impl Iterator<Item = &'a str>) -> String {
    let joined: Vec<&str> = tokens.collect();
    let kept: String = joined.join(" ").chars().take(WHY_CHARS).collect();
    kept.trim_end().to_owned()
}

fn moment(at: Timestamp) -> Option<jiff::Timestamp> {
    let seconds = i64::try_from(at.0 / 1_000).ok()?;
    jiff::Timestamp::from_second(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_as_it_was_written() {
        let at = Timestamp(1_796_000_000_123);
        for command in [
            Command::new(Verb::Pause, "7"),
            Command::new(Verb::Abort, "a b").by("Alice A").at(at).why("wrong   labels, by=bob"),
            Command::new(Verb::Promote, "x".repeat(90)).by("y".repeat(90)).why("z ".repeat(300)),
        ] {
            let line = command.to_string();
            assert!(line.len() < 400, "{line}");
            assert_eq!(Command::read_all(&line), [CommandLine::Given(command)], "{line}");
        }
    }

    #[test]
    fn a_line_that_is_no_command_is_refused_with_the_reason() {
        for (line, reason) in [
            ("paus 7", "it is not one of pause, resume, approve, abort, promote"),
            ("pause", "it has no nonce"),
            ("Pause 7", "it is not one of"),
        ] {
            let read = Command::read_all(line);
            let [CommandLine::Refused(record)] = &read[..] else { panic!("{line}: {read:?}") };
            assert!(record.to_string().contains(reason), "{record}");
            assert!(!record.nonce.is_empty(), "it must not be read again and again");
        }
        assert_eq!(Command::read_all(" \n"), []);
        let many = (0..20).map(|n| format!("pause {n}")).collect::<Vec<_>>().join("\n");
        assert_eq!(Command::read_all(&many).len(), REMEMBERED);
        assert_eq!(
            Command::read_all(&many).pop(),
            Some(CommandLine::Given(Command::new(Verb::Pause, "19")))
        );
    }
}

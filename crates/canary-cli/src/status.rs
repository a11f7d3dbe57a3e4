//! The exit statuses of every subcommand, in one table.

use std::{fmt::Write, process::ExitCode};

/// The exit status of the command.
///
/// ```
/// use canary_cli::Status;
///
/// assert_eq!(canary_cli::run(["canary", "no-such-subcommand"]), Status::Unusable);
/// assert_eq!(Status::Unusable.code(), 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Status {
    /// 0.
    Done,
    /// 1.
    Failed,
    /// 2.
    Unusable,
    /// 3.
    RolledBack,
    /// 4.
    Inconclusive,
    /// 5.
    Conflict,
    /// 10.
    DoneBefore,
    /// 13.
    RolledBackBefore,
    /// 14.
    InconclusiveBefore,
    /// 130.
    Suspended,
}

impl Status {
    /// Every status, in the order of the codes.
    pub const ALL: [Self; 10] = [
        Self::Done,
        Self::Failed,
        Self::Unusable,
        Self::RolledBack,
        Self::Inconclusive,
        Self::Conflict,
        Self::DoneBefore,
        Self::RolledBackBefore,
        Self::InconclusiveBefore,
        Self::Suspended,
    ];

    /// The number that the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Unusable => 2,
            Self::RolledBack => 3,
            Self::Inconclusive => 4,
            Self::Conflict => 5,
            Self::DoneBefore => 10,
            Self::RolledBackBefore => 13,
            Self::InconclusiveBefore => 14,
            Self::Suspended => 130,
        }
    }

    /// The meaning, in one sentence without a full stop.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Done => {
                "success: no error found, every case passes, no difference, the canary is promoted, or an A/A run completed \
                 all of its steps"
            }
            Self::Failed => {
                "a negative result: an error found, a case or a check failed, or a difference; or the command failed with \
                 an error and may succeed when it is run again"
            }
            Self::Unusable => {
                "invalid arguments, or an unusable input: a file, a manifest or a plan that cannot be read"
            }
            Self::RolledBack => {
                "rolled back: all traffic goes to the stable version; also if the canary was refused before its first weight"
            }
            Self::Inconclusive => "inconclusive: the evidence was not sufficient for a decision",
            Self::Conflict => {
                "somebody else changed the weights, or owns a field that differs; nothing was overwritten"
            }
            Self::DoneBefore => {
                "promoted by an earlier run of the same plan on the same release, whose weights are still in force; no \
                 requests were sent"
            }
            Self::RolledBackBefore => "rolled back by such a run",
            Self::InconclusiveBefore => "inconclusive in such a run",
            Self::Suspended => "suspended by Ctrl-C or SIGTERM; the same command resumes the run",
        }
    }

    /// The statuses as lines of a help text.
    pub(crate) fn lines(statuses: &[Self]) -> String {
        let mut text = String::from("Exit status:");
        for status in statuses {
            let _ = write!(text, "\n  {:<3}  {}", status.code(), wrapped(status.meaning(), 7));
        }
        text
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}

/// The text in lines of 100 characters at most, all except the first indented.
pub(crate) fn wrapped(text: &str, indent: usize) -> String {
    let mut wrapped = String::new();
    let mut column = indent;
    for word in text.split(' ') {
        if column > indent && column + 1 + word.chars().count() > 100 {
            let _ = write!(wrapped, "\n{:indent$}", "");
            column = indent;
        } else if column > indent {
            wrapped.push(' ');
            column += 1;
        }
        wrapped.push_str(word);
        column += word.chars().count();
    }
    wrapped
}

//! An A/A measurement in plain English.

use std::{fmt, time::Duration};

use super::{AaAlarm, AaGuardrail, AaReport, ENOUGH_WINDOWS, GROWTH, NO_BURSTS};

/// A duration as a plan writes it.
fn written(time: Duration) -> String {
    jiff::fmt::friendly::SpanPrinter::new()
        .designator(jiff::fmt::friendly::Designator::Compact)
        .unsigned_duration_to_string(&time)
}

impl AaReport {
    /// The advice in one sentence.
    pub fn sentence(&self) -> String {
        let window = written(self.advice.window);
        let mut text = if self.advice.enough {
            format!("bursts: {window} is long enough")
        } else if self.is_growing() {
            format!("bursts need windows of at least {window}: run A/A again with bursts: {window}")
        } else {
            format!(
                "too few windows had bad requests to say whether bursts: {window} is long enough: run A/A longer"
            )
        };
        text.push_str(&match self.alarms.len() {
            0 => "; no guardrail alarmed".to_owned(),
            _ => format!("; alarmed: {}", self.alarmed()),
        });
        if let Some(early) = &self.early {
            text = format!("{text}; it ended early: {early}");
        }
        text
    }

    /// Returns `true` when a guardrail needs longer windows than the shortest.
    fn is_growing(&self) -> bool {
        let shortest = self.guardrails.iter().filter_map(|one| one.levels.first());
        shortest.map(|level| level.window).any(|shortest| self.advice.window > shortest)
    }

    fn alarmed(&self) -> String {
        let each = self.alarms.iter().map(ToString::to_string);
        each.collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for AaAlarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { guardrail, e, threshold } = self;
        if *e < 1e6 {
            write!(f, "{guardrail} (E = {e:.1}, alarm at {threshold:.0})")
        } else {
            write!(f, "{guardrail} (E = {e:.1e}, alarm at {threshold:.0})")
        }
    }
}

/// φ at each length of the windows.
impl fmt::Display for AaGuardrail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: φ", self.guardrail)?;
        for (index, level) in self.levels.iter().enumerate() {
            let (separator, window) = (if index > 0 { "," } else { "" }, written(level.window));
            write!(f, "{separator} {:.2} over {window} ({} windows)", level.phi, level.windows)?;
        }
        Ok(())
    }
}

/// The measurement in some lines, without a line break at the end.
impl fmt::Display for AaReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "A/A: dispersion φ of the bad requests; 1 is one by one, and only windows with bad requests count"
        )?;
        for guardrail in &self.guardrails {
            writeln!(f, "  {guardrail}")?;
        }
        let window = written(self.advice.window);
        if self.advice.enough {
            writeln!(
                f,
                "  bursts: {window} is long enough: four times as long, φ is at most {GROWTH} times as large"
            )?;
        } else if self.is_growing() {
            writeln!(
                f,
                "  bursts need windows of at least {window}: run A/A again with bursts: {window}"
            )?;
        } else {
            writeln!(
                f,
                "  too few windows had bad requests to say whether bursts: {window} is long enough: it takes \
                 {ENOUGH_WINDOWS} of four times as long; run A/A longer"
            )?;
        }
        match self.advice.none {
            Some(true) => {
                writeln!(f, "  bursts: none is possible: φ is at most {NO_BURSTS} throughout")?
            }
            Some(false) => writeln!(f, "  bursts: none is not possible: φ is above {NO_BURSTS}")?,
            None => writeln!(
                f,
                "  bursts: none: not known; it takes {ENOUGH_WINDOWS} of the longest windows with bad requests"
            )?,
        }
        match self.alarms.len() {
            0 => f.write_str("  no guardrail alarmed")?,
            _ => write!(
                f,
                "  alarmed, though nothing differs: {}; where that happens again, the assumptions of the test do not hold",
                self.alarmed()
            )?,
        }
        match &self.early {
            Some(early) => write!(f, "\n  it ended before all of its steps were held: {early}"),
            None => Ok(()),
        }
    }
}

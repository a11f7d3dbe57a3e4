//! An A/A measurement in plain English.

use std::{fmt, time::Duration};

use super::{super::counted::counted, AaAlarm, AaGuardrail, AaReport, ENOUGH_WINDOWS, NO_BURSTS};

/// A duration as a plan writes it.
fn written(time: Duration) -> String {
    jiff::fmt::friendly::SpanPrinter::new()
        .designator(jiff::fmt::friendly::Designator::Compact)
        .unsigned_duration_to_string(&time)
}

impl AaReport {
    /// The measurement in one sentence: the windows that are needed, the alarms, and an early end.
    ///
    /// ```
    /// use canary_core::{Plan, evidence::Timestamp, rollout::{Guardrail, Hold, Machine}};
    ///
    /// let plan = Plan::new("image-classifier", "resnet50", "resnet50-again")
    ///     .weights([50, 100], Hold::requests(10_000))
    ///     .guardrail(Guardrail::error_ratio(1.0))
    ///     .aa();
    /// let report = Machine::new(plan.clone())?.begin(Timestamp(0))?.aa(&plan).ok_or("no A/A plan")?;
    /// assert!(report.sentence().ends_with("no guardrail alarmed"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sentence(&self) -> String {
        let mut parts = vec![self.needed()];
        parts.push(match self.alarms.len() {
            0 => "no guardrail alarmed".to_owned(),
            _ => format!("alarmed: {}", self.alarmed()),
        });
        parts.extend(self.early.as_ref().map(|early| format!("it ended early: {early}")));
        parts.join("; ")
    }

    /// The windows that are needed.
    fn needed(&self) -> String {
        let window = written(self.advice.window);
        let shortest = self.guardrails.iter().filter_map(|one| one.levels.first());
        let grows = shortest.map(|level| level.window).any(|one| self.advice.window > one);
        if self.advice.enough {
            format!("bursts: {window} is long enough")
        } else if grows {
            format!("bursts need windows of at least {window}: run A/A again with bursts: {window}")
        } else {
            format!(
                "too few windows had bad requests to say whether bursts: {window} is long enough (it takes \
                 {ENOUGH_WINDOWS} of four times as long): run A/A longer"
            )
        }
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
            write!(f, "{guardrail} (evidence {e:.1}, alarm at {threshold:.0})")
        } else {
            write!(f, "{guardrail} (evidence {e:.1e}, alarm at {threshold:.0})")
        }
    }
}

/// φ at each length of the windows.
impl fmt::Display for AaGuardrail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: φ", self.guardrail)?;
        for (index, level) in self.levels.iter().enumerate() {
            let (separator, window) = (if index > 0 { "," } else { "" }, written(level.window));
            let windows = counted(level.windows, "windows");
            write!(f, "{separator} {:.2} over {window} ({windows})", level.phi)?;
        }
        Ok(())
    }
}

/// The measurement in some lines, without a line break at the end.
impl fmt::Display for AaReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "A/A: dispersion φ of the bad requests; 1 means one by one; only windows with bad requests count"
        )?;
        for guardrail in &self.guardrails {
            writeln!(f, "  {guardrail}")?;
        }
        writeln!(f, "  {}", self.needed())?;
        let none = match self.advice.none {
            Some(true) => format!("is possible: φ is at most {NO_BURSTS} throughout"),
            Some(false) => format!("is not possible: φ is above {NO_BURSTS}"),
            None => format!(
                "is not known to be possible: it takes {ENOUGH_WINDOWS} of the longest windows with bad requests"
            ),
        };
        writeln!(f, "  bursts: none {none}")?;
        match self.alarms.len() {
            0 => f.write_str("  no guardrail alarmed")?,
            _ => write!(
                f,
                "  false alarms: {}; if they recur, the assumptions of the test do not hold",
                self.alarmed()
            )?,
        }
        match &self.early {
            Some(early) => write!(f, "\n  it ended before all of its steps were held: {early}"),
            None => Ok(()),
        }
    }
}

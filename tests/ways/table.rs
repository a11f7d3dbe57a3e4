//! The table: ways to be wrong, the outcome with each kind of evidence, and how it is printed.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    scene::{EVIDENCE, Scene},
    trial::{self, End, Found, USERS},
};

/// The expectation for one kind of evidence.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cell {
    /// The run ends so, and its sentence contains this.
    Ends(End, &'static str),
    /// This cannot be, for this reason.
    CannotBe(&'static str),
}

pub(crate) const fn refused(message: &'static str) -> Cell {
    Cell::Ends(End::Refused, message)
}

pub(crate) const fn rolled_back(message: &'static str) -> Cell {
    Cell::Ends(End::RolledBack, message)
}

pub(crate) const fn inconclusive(message: &'static str) -> Cell {
    Cell::Ends(End::Inconclusive, message)
}

pub(crate) const fn edited(message: &'static str) -> Cell {
    Cell::Ends(End::Edited, message)
}

pub(crate) const fn failed(message: &'static str) -> Cell {
    Cell::Ends(End::Failed, message)
}

pub(crate) const fn promoted() -> Cell {
    Cell::Ends(End::Promoted, "promoted: ")
}

pub(crate) const fn cannot_be(why: &'static str) -> Cell {
    Cell::CannotBe(why)
}

/// One way to be wrong.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) name: &'static str,
    /// Makes it so.
    pub(crate) make: fn(&mut Scene),
    /// The expectations, in the order of [`EVIDENCE`].
    pub(crate) cells: [Cell; 4],
}

impl Way {
    /// With how many kinds of evidence it is tried.
    pub(crate) fn runs(&self) -> usize {
        self.cells.iter().filter(|cell| matches!(cell, Cell::Ends(..))).count()
    }
}

pub(crate) const fn way(name: &'static str, make: fn(&mut Scene), cells: [Cell; 4]) -> Way {
    Way { name, make, cells }
}

/// A row of what was found, in the order of [`EVIDENCE`].
pub(crate) type Row<'w> = (&'w Way, [Option<Found>; 4]);

/// Runs every cell, so many at a time.
pub(crate) async fn run<'w>(ways: &'w [Way], at_a_time: usize) -> Vec<Row<'w>> {
    let slots = Arc::new(Semaphore::new(at_a_time));
    let done = Arc::new(AtomicUsize::new(0));
    let mut trials = JoinSet::new();
    for (row, way) in ways.iter().enumerate() {
        for (column, evidence) in EVIDENCE.into_iter().enumerate() {
            if matches!(way.cells[column], Cell::CannotBe(_)) {
                continue;
            }
            let (slots, done, make) = (Arc::clone(&slots), Arc::clone(&done), way.make);
            trials.spawn(async move {
                let _slot = slots.acquire_owned().await;
                let mut scene = Scene::new(evidence);
                make(&mut scene);
                let seed = u64::try_from(row * 4 + column).unwrap_or_default() * 10 + 1;
                let found = Box::pin(trial::run(scene, seed)).await;
                done.fetch_add(1, Ordering::Relaxed);
                (row, column, found)
            });
        }
    }
    let mut rows: Vec<Row<'w>> = ways.iter().map(|way| (way, [None, None, None, None])).collect();
    while let Some(trial) = trials.join_next().await {
        let (row, column, found) = trial.unwrap();
        rows[row].1[column] = Some(found);
    }
    rows
}

/// The results that differ from the expectation: the way, the kind of evidence, and the result.
pub(crate) fn unexpected(rows: &[Row<'_>]) -> Vec<String> {
    let mut all = Vec::new();
    for (way, found) in rows {
        for ((cell, found), evidence) in way.cells.iter().zip(found).zip(EVIDENCE) {
            let (Cell::Ends(end, message), Some(found)) = (cell, found) else { continue };
            let mut wrong = found.wrong.clone();
            if found.end != *end {
                wrong.push(format!("it ends as {}, not {}", found.end.name(), end.name()));
            }
            if !found.message.contains(message) {
                wrong.push(format!("{message:?} is missing"));
            }
            if !wrong.is_empty() {
                let (name, evidence) = (way.name, evidence.name());
                all.push(format!(
                    "{name} / {evidence}: {}\n    {}",
                    wrong.join("; "),
                    found.message
                ));
            }
        }
    }
    all
}

/// The number of cells that ended as a promotion.
pub(crate) fn promotions(rows: &[Row<'_>]) -> usize {
    let cells = rows.iter().flat_map(|(_, found)| found).flatten();
    cells.filter(|found| found.end == End::Promoted).count()
}

/// The table for a person: a line for each way, and below it each verdict's sentence, if that is wanted.
pub(crate) fn print(title: &str, rows: &[Row<'_>], sentences: bool, took: Duration) -> String {
    let mut out = String::new();
    let width = rows.iter().map(|(way, _)| way.name.chars().count()).max().unwrap_or(0);
    // Writing to memory cannot fail.
    let _ = write!(out, "\n{title:width$}");
    for evidence in EVIDENCE {
        let _ = write!(out, "  {:<24}", evidence.name());
    }
    out.push('\n');
    for (way, found) in rows {
        let _ = write!(out, "{:width$}", way.name);
        for found in found {
            let text = found.as_ref().map_or_else(|| "-".to_owned(), cell);
            let _ = write!(out, "  {text:<24}");
        }
        out.push('\n');
        if sentences {
            for ((cell, found), evidence) in way.cells.iter().zip(found).zip(EVIDENCE) {
                let text = match (cell, found) {
                    (Cell::CannotBe(why), _) => format!("cannot be: {why}"),
                    (_, Some(found)) => format!("{} ({:.1?})", found.message, found.took),
                    _ => continue,
                };
                let _ = writeln!(out, "    {:<13} {text}", evidence.name());
            }
        }
    }
    let cells = rows.iter().flat_map(|(_, found)| found).flatten().count();
    let wide = rows.iter().filter(|(way, _)| way.runs() >= 2).count();
    let _ = writeln!(
        out,
        "{} ways ({wide} with two or more kinds of evidence), {cells} runs, {} promoted; each cell: the end, the weights afterwards, the requests of {USERS} users \
         that are answered then; {:.0} s",
        rows.len(),
        promotions(rows),
        took.as_secs_f64()
    );
    out
}

fn cell(found: &Found) -> String {
    let weights = found.weights.map_or_else(|| "none".to_owned(), |weights| weights.to_string());
    format!("{} {weights} {}", found.end.name(), found.served)
}

/// Runs the ways and prints them.
pub(crate) async fn run_and_print<'w>(
    title: &str,
    ways: &'w [Way],
    at_a_time: usize,
    sentences: bool,
) -> (Vec<Row<'w>>, String) {
    let began = Instant::now();
    let rows = run(ways, at_a_time).await;
    let text = print(title, &rows, sentences, began.elapsed());
    (rows, text)
}

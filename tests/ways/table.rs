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
    kind::{EVERY, Kind, SERVICES},
    scene::{EVIDENCE, Scene},
    trial::{self, End, Found, USERS},
};

/// The expectation for one kind of evidence.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cell {
    /// The run ends so, and its sentence contains this, or one of several texts between `|`.
    Ends(End, &'static str),
    /// One of these: two things show the fault, and either may be seen first.
    OneOf(&'static [(End, &'static str)]),
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

pub(crate) const fn one_of(ends: &'static [(End, &'static str)]) -> Cell {
    Cell::OneOf(ends)
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
    cells: [Cell; 4],
    /// Those of versions that are Services, where they differ.
    of_services: Option<[Cell; 4]>,
    /// Those of objects on a real API server, where they differ.
    on_server: Option<[Cell; 4]>,
    /// The kinds of targets in which it can be.
    pub(crate) kinds: &'static [Kind],
}

impl Way {
    /// The same, of these kinds of targets alone.
    pub(crate) const fn of(mut self, kinds: &'static [Kind]) -> Self {
        self.kinds = kinds;
        self
    }

    /// The same, with other expectations where the versions are Services.
    pub(crate) const fn services(mut self, cells: [Cell; 4]) -> Self {
        self.of_services = Some(cells);
        self
    }

    /// The same, with other expectations where the objects are on a real API server.
    pub(crate) const fn server(mut self, cells: [Cell; 4]) -> Self {
        self.on_server = Some(cells);
        self
    }

    /// The expectations of a kind of target with its objects there.
    fn cells(&self, (kind, api): (Kind, Api)) -> &[Cell; 4] {
        match (&self.on_server, &self.of_services) {
            (Some(cells), _) if api == Api::Server => cells,
            (_, Some(cells)) if SERVICES.contains(&kind) => cells,
            _ => &self.cells,
        }
    }

    /// With how many kinds of evidence it is tried.
    pub(crate) fn runs(&self, of: (Kind, Api)) -> usize {
        self.cells(of).iter().filter(|cell| !matches!(cell, Cell::CannotBe(_))).count()
    }
}

pub(crate) const fn way(name: &'static str, make: fn(&mut Scene), cells: [Cell; 4]) -> Way {
    Way { name, make, cells, of_services: None, on_server: None, kinds: EVERY }
}

/// A row of the table: a way, and what was expected and found in the order of [`EVIDENCE`].
pub(crate) struct Row {
    way: &'static Way,
    cells: &'static [Cell; 4],
    found: [Option<Found>; 4],
}

/// The store of a trial's objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    /// In the lab.
    Lab,
    /// On a real API server, see [`super::objects`].
    Server,
}

/// Runs every cell of a kind of target, so many at a time.
pub(crate) async fn run(
    ways: &'static [Way],
    (kind, api): (Kind, Api),
    at_a_time: usize,
) -> Vec<Row> {
    let ways: Vec<&'static Way> = ways.iter().filter(|way| way.kinds.contains(&kind)).collect();
    let slots = Arc::new(Semaphore::new(at_a_time));
    let done = Arc::new(AtomicUsize::new(0));
    let mut trials = JoinSet::new();
    for (row, way) in ways.iter().enumerate() {
        for (column, evidence) in EVIDENCE.into_iter().enumerate() {
            if matches!(way.cells((kind, api))[column], Cell::CannotBe(_)) {
                continue;
            }
            let (slots, done, make) = (Arc::clone(&slots), Arc::clone(&done), way.make);
            trials.spawn(async move {
                let _slot = slots.acquire_owned().await;
                let mut scene = Scene::new(evidence, kind);
                if api == Api::Server {
                    scene.space = Some(space(row, column));
                }
                make(&mut scene);
                let seed = u64::try_from(row * 4 + column).unwrap_or_default() * 10 + 1;
                let found = Box::pin(trial::run(scene, seed)).await;
                done.fetch_add(1, Ordering::Relaxed);
                (row, column, found)
            });
        }
    }
    let row =
        |way: &'static Way| Row { way, cells: way.cells((kind, api)), found: [const { None }; 4] };
    let mut rows: Vec<Row> = ways.into_iter().map(row).collect();
    while let Some(trial) = trials.join_next().await {
        let (row, column, found) = trial.unwrap();
        rows[row].found[column] = Some(found);
    }
    rows
}

/// A namespace that no other trial of this process has.
fn space(row: usize, column: usize) -> String {
    static TRIALS: AtomicUsize = AtomicUsize::new(0);
    let number = TRIALS.fetch_add(1, Ordering::Relaxed);
    format!("trial-{number}-{row}-{column}")
}

/// The results that differ from the expectation: the way, the kind of evidence, and the result.
pub(crate) fn unexpected(rows: &[Row]) -> Vec<String> {
    let mut all = Vec::new();
    for Row { way, cells, found } in rows {
        for ((cell, found), evidence) in cells.iter().zip(found).zip(EVIDENCE) {
            let Some(found) = found else { continue };
            let mut wrong = found.wrong.clone();
            match cell {
                Cell::Ends(end, message) => wrong.extend(found.unlike(*end, message)),
                Cell::OneOf(ends) => {
                    let unlike = ends.iter().map(|(end, message)| found.unlike(*end, message));
                    let unlike: Vec<Vec<String>> = unlike.collect();
                    if unlike.iter().all(|one| !one.is_empty()) {
                        wrong.extend(unlike.concat());
                    }
                }
                Cell::CannotBe(_) => continue,
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
pub(crate) fn promotions(rows: &[Row]) -> usize {
    let cells = rows.iter().flat_map(|row| &row.found).flatten();
    cells.filter(|found| found.end == End::Promoted).count()
}

/// The table for a person: a line for each way, and below it each verdict's sentence, if that is wanted.
pub(crate) fn print(title: &str, rows: &[Row], sentences: bool, took: Duration) -> String {
    let mut out = String::new();
    let width = rows.iter().map(|row| row.way.name.chars().count()).max().unwrap_or(0);
    // Writing to memory cannot fail.
    let _ = write!(out, "\n{title:width$}");
    for evidence in EVIDENCE {
        let _ = write!(out, "  {:<24}", evidence.name());
    }
    out.push('\n');
    for Row { way, cells, found } in rows {
        let _ = write!(out, "{:width$}", way.name);
        for found in found {
            let text = found.as_ref().map_or_else(|| "-".to_owned(), cell);
            let _ = write!(out, "  {text:<24}");
        }
        out.push('\n');
        if sentences {
            for ((cell, found), evidence) in cells.iter().zip(found).zip(EVIDENCE) {
                let text = match (cell, found) {
                    (Cell::CannotBe(why), _) => format!("cannot be: {why}"),
                    (_, Some(found)) => format!("{} ({:.1?})", found.message, found.took),
                    _ => continue,
                };
                let _ = writeln!(out, "    {:<13} {text}", evidence.name());
            }
        }
    }
    let cells = rows.iter().flat_map(|row| &row.found).flatten().count();
    let tried = |row: &&Row| row.found.iter().flatten().count() >= 2;
    let wide = rows.iter().filter(tried).count();
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
pub(crate) async fn run_and_print(
    title: &str,
    ways: &'static [Way],
    (kind, api): (Kind, Api),
    at_a_time: usize,
    sentences: bool,
) -> (Vec<Row>, String) {
    let began = Instant::now();
    let rows = run(ways, (kind, api), at_a_time).await;
    let place = if api == Api::Server { ", real API server" } else { "" };
    let text =
        print(&format!("{title}: {}{place}", kind.name()), &rows, sentences, began.elapsed());
    (rows, text)
}

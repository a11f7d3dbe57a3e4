//! The levels of Python's loggers, as far as an event can know them without the GIL.

use std::sync::atomic::{AtomicI64, Ordering};

use pyo3::{
    exceptions::{PyException, PyRuntimeError},
    intern,
    prelude::*,
    sync::PyOnceLock,
};
use tracing::{Level, level_filters::LevelFilter};

/// The loggers: the root, `canary`, and its children, one for each crate that tells something.
const LOGGERS: [&str; 8] =
    ["root", "canary", "http", "kube", "lab", "notify", "rollout", "serving"];

/// The place of `canary`.
pub(super) const CANARY: usize = 1;

/// No level.
const NEVER: i64 = i64::MAX;

/// The least level of a record that each logger takes. Before the first look nothing is taken.
static LEAST: [AtomicI64; LOGGERS.len()] = [const { AtomicI64::new(NEVER) }; LOGGERS.len()];

static WATCHED: PyOnceLock<Watched> = PyOnceLock::new();

struct Watched {
    loggers: Vec<Py<PyAny>>,
    manager: Py<PyAny>,
}

/// The loggers whose levels count from now on.
pub(super) fn watch(py: Python<'_>, loggers: Vec<Py<PyAny>>, manager: Py<PyAny>) -> PyResult<()> {
    if loggers.len() != LOGGERS.len() {
        return Err(PyRuntimeError::new_err("one logger for each name is needed"));
    }
    let set = WATCHED.set(py, Watched { loggers, manager });
    set.map_err(|_| PyRuntimeError::new_err("the loggers are known already"))
}

/// The logger of a target, by its place in [`LOGGERS`]; `None` of other people's crates.
pub(super) fn logger_of(target: &str) -> Option<usize> {
    let rest = target.strip_prefix("canary")?;
    let Some(rest) = rest.strip_prefix('_') else {
        return (rest.is_empty() || rest.starts_with("::")).then_some(CANARY);
    };
    let name = rest.split("::").next().unwrap_or(rest);
    let child = LOGGERS.iter().skip(CANARY + 1).position(|one| *one == name);
    Some(child.map_or(CANARY, |place| place + CANARY + 1))
}

/// The level of `logging`, and its name. There is none for traces there.
pub(super) fn number(level: Level) -> (i64, &'static str) {
    match level {
        Level::TRACE => (5, "TRACE"),
        Level::DEBUG => (10, "DEBUG"),
        Level::INFO => (20, "INFO"),
        Level::WARN => (30, "WARNING"),
        Level::ERROR => (40, "ERROR"),
    }
}

/// Returns `true` when the logger takes records of this level.
pub(super) fn takes(logger: usize, level: Level) -> bool {
    number(level).0 >= LEAST[logger].load(Ordering::Relaxed)
}

/// The most verbose level that any logger takes.
pub(super) fn most_verbose() -> LevelFilter {
    let least = LEAST.iter().skip(CANARY).map(|least| least.load(Ordering::Relaxed)).min();
    let takes = |level: &Level| number(*level).0 >= least.unwrap_or(NEVER);
    let levels = [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR];
    levels.into_iter().find(takes).map_or(LevelFilter::OFF, LevelFilter::from_level)
}

/// Reads the levels, as `Logger.isEnabledFor` does: its own, or that of the nearest ancestor with one, unless it is
/// disabled or `logging.disable` is above. What is not a level counts as none.
///
/// # Errors
/// The exception that a signal raises meanwhile, such as `KeyboardInterrupt`: `logging.Manager.disable` runs code of Python.
pub(super) fn refresh(py: Python<'_>) -> PyResult<()> {
    let Some(Watched { loggers, manager }) = WATCHED.get(py) else { return Ok(()) };
    let number = |of: &Py<PyAny>, name| -> PyResult<i64> {
        unless_raised(py, of.bind(py).getattr(name).and_then(|level| level.extract()))
    };
    let disabled_up_to = number(manager, intern!(py, "disable"))?;
    let mut inherited = [0; CANARY + 1];
    let mut changed = false;
    for (place, (logger, least)) in loggers.iter().zip(&LEAST).enumerate() {
        let own = number(logger, intern!(py, "level"))?;
        let effective = if own == 0 { inherited[CANARY.min(place.saturating_sub(1))] } else { own };
        if place <= CANARY {
            inherited[place] = effective;
        }
        let disabled = logger.bind(py).getattr(intern!(py, "disabled"));
        let disabled = unless_raised(py, disabled.and_then(|is| is.is_truthy()))?;
        let now = if disabled { NEVER } else { effective.max(disabled_up_to.saturating_add(1)) };
        changed |= least.swap(now, Ordering::Relaxed) != now;
    }
    if changed {
        // Each place that tells something has cached whether anybody listens.
        tracing::callsite::rebuild_interest_cache();
    }
    Ok(())
}

/// The value, or the usual one where there is none; what is not an `Exception` is for the caller.
fn unless_raised<T: Default>(py: Python<'_>, value: PyResult<T>) -> PyResult<T> {
    match value {
        Err(error) if !error.is_instance_of::<PyException>(py) => Err(error),
        value => Ok(value.unwrap_or_default()),
    }
}

/// A logger, by its place.
pub(super) fn logger(py: Python<'_>, place: usize) -> Option<&Bound<'_, PyAny>> {
    WATCHED.get(py)?.loggers.get(place).map(|logger| logger.bind(py))
}

//! A driver between two events, which the iterators of a run and the tasks behind them share.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use canary_core::{
    cluster::{self, Control, RunLog},
    evidence::Timestamp,
    rollout::{Error, Result},
};
use futures_util::StreamExt;
use pyo3::prelude::*;
use tokio::task::JoinHandle;

use super::{order::Order, raised::lock, recipe::Recipe};
use crate::{
    door,
    rollout::{progress::Progress, verdict::Verdict},
};

/// The longest time that Ctrl-C waits for the state to be stored; it is stored in the background where that takes
/// longer.
pub(crate) const AT_ONCE: Duration = Duration::from_millis(10);
/// The same for a run that was dropped.
pub(crate) const AT_THE_END: Duration = Duration::from_millis(100);
/// A run between two events.
enum Stage {
    /// It takes the lock and reads the objects: a task of its own, which continues when nobody awaits it.
    Starting(JoinHandle<Result<(cluster::Run, Control)>>),
    Running(cluster::Run),
    /// Its state is stored, and the next iteration resumes it; `true` when the present one has to end first.
    Suspended(bool),
    Over,
}

/// A plan at work.
pub(crate) struct Drive {
    /// The place, the namespace and the `VirtualService`: one run at a time.
    pub(super) target: (String, String, String),
    pub(crate) recipe: Arc<Recipe>,
    stage: tokio::sync::Mutex<Stage>,
    control: Mutex<Option<Control>>,
    /// `true` when the driver is being suspended, and receives no more orders.
    leaving: AtomicBool,
    /// The orders that the driver receives first when it continues.
    orders: Mutex<Vec<Order>>,
    pub(crate) log: Mutex<RunLog>,
    /// When the verdict was given, where it is an earlier run's.
    stored: Mutex<Option<Timestamp>>,
    began: Instant,
    pub(crate) events: AtomicU64,
}

fn start(recipe: &Arc<Recipe>, anew: bool) -> Stage {
    let recipe = Arc::clone(recipe);
    Stage::Starting(tokio::spawn(async move { recipe.start(anew).await }))
}

impl Drive {
    /// A run of that recipe, which is starting.
    pub(super) fn new(target: (String, String, String), recipe: Recipe, anew: bool) -> Self {
        let recipe = Arc::new(recipe);
        Self {
            target,
            stage: tokio::sync::Mutex::new(start(&recipe, anew)),
            recipe,
            control: Mutex::default(),
            leaving: AtomicBool::new(false),
            orders: Mutex::default(),
            log: Mutex::default(),
            stored: Mutex::default(),
            began: Instant::now(),
            events: AtomicU64::new(0),
        }
    }

    /// Waits until the run has started; its state is stored where the wait is given up.
    pub(super) async fn start(self: &Arc<Self>) -> Result<()> {
        let mut watched = SuspendOnDrop::new(self);
        self.started(&mut *self.stage.lock().await).await?;
        watched.waited();
        Ok(())
    }

    /// Returns `true` when nobody waits for its next event.
    pub(super) fn is_idle(&self) -> bool {
        self.stage.try_lock().is_ok()
    }

    /// Waits until the driver has started, where it is starting; the task itself is not dropped with the wait.
    async fn started(&self, stage: &mut Stage) -> Result<()> {
        let Stage::Starting(task) = stage else { return Ok(()) };
        let started = task
            .await
            .unwrap_or_else(|error| Err(Error::Plan(format!("the driver ended early: {error}"))));
        match started {
            Ok((run, control)) => {
                self.leaving.store(false, Ordering::Relaxed);
                for order in lock(&self.orders).drain(..) {
                    order.send(&control);
                }
                *lock(&self.control) = Some(control);
                *stage = Stage::Running(run);
                Ok(())
            }
            Err(error) => {
                self.failed(stage);
                Err(error)
            }
        }
    }

    /// Ends the run with an error.
    fn failed(&self, stage: &mut Stage) {
        self.over(stage);
        if let Some(metrics) = self.recipe.metrics() {
            metrics.fail();
        }
    }

    /// Ends the run: no more inputs are wanted.
    fn over(&self, stage: &mut Stage) {
        *stage = Stage::Over;
        self.recipe.close();
        self.recipe.notices.flush();
    }

    fn record(&self, progress: &cluster::Progress) {
        lock(&self.log).record(self.began.elapsed(), progress);
        self.recipe.notices.tell(progress);
        if let cluster::Progress::Suspended { .. } = progress {
            self.recipe.notices.flush();
        }
        if let Some(metrics) = self.recipe.metrics() {
            metrics.record(progress, Timestamp::now());
        }
        if let cluster::Progress::Finished { stored, .. } = progress {
            *lock(&self.stored) = *stored;
        }
        self.events.fetch_add(1, Ordering::Relaxed);
    }

    /// The verdict, once there is one.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        let verdict = lock(&self.log).verdict().cloned();
        verdict.map(|verdict| Verdict { core: verdict, stored: *lock(&self.stored) })
    }

    /// The next thing that happens; begins again what was suspended.
    pub(crate) async fn next(&self) -> Result<Option<Progress>> {
        let mut stage = self.stage.lock().await;
        match &mut *stage {
            Stage::Suspended(ends @ true) => {
                *ends = false;
                return Ok(None);
            }
            Stage::Suspended(false) => *stage = start(&self.recipe, false),
            Stage::Starting(_) | Stage::Running(_) | Stage::Over => {}
        }
        self.started(&mut stage).await?;
        let Stage::Running(run) = &mut *stage else { return Ok(None) };
        match run.next().await {
            Some(Ok(progress)) => {
                self.record(&progress);
                match progress {
                    cluster::Progress::Suspended { .. } => *stage = Stage::Suspended(true),
                    cluster::Progress::Finished { .. } => self.over(&mut stage),
                    _ => {}
                }
                Ok(Some(Progress { core: progress }))
            }
            Some(Err(error)) => {
                self.failed(&mut stage);
                Err(error)
            }
            None => {
                self.over(&mut stage);
                Ok(None)
            }
        }
    }

    /// Stores the state and releases the lock. Events on the way are passed only to the pictures.
    pub(super) async fn suspend(self: Arc<Self>) {
        self.leaving.store(true, Ordering::Relaxed);
        let mut stage = self.stage.lock().await;
        // A run that cannot start holds no lock.
        let _ = self.started(&mut stage).await;
        let Stage::Running(run) = &mut *stage else { return };
        self.leaving.store(true, Ordering::Relaxed);
        if let Some(control) = &*lock(&self.control) {
            control.suspend();
        }
        let mut after = Stage::Suspended(false);
        while let Some(Ok(progress)) = run.next().await {
            self.record(&progress);
            match progress {
                cluster::Progress::Suspended { .. } => break,
                cluster::Progress::Finished { .. } => {
                    self.over(&mut after);
                    break;
                }
                _ => {}
            }
        }
        *stage = after;
    }

    /// Suspends in the background, and waits for it no longer than that. The interpreter is not held meanwhile.
    pub(crate) fn suspend_within(self: &Arc<Self>, time: Duration) {
        let Ok(runtime) = door::runtime() else { return };
        self.leaving.store(true, Ordering::Relaxed);
        let task = runtime.spawn(Arc::clone(self).suspend());
        // A thread of the runtime cannot wait for another one.
        if tokio::runtime::Handle::try_current().is_ok() {
            return;
        }
        let wait = || {
            let _ = runtime.block_on(async { tokio::time::timeout(time, task).await });
        };
        // At the very end the interpreter no longer exists.
        let _ = Python::try_attach(|py| py.detach(wait));
    }

    /// The iterating caller has left: suspends, unless somebody else waits for an event.
    pub(crate) fn left(self: &Arc<Self>, time: Duration) {
        let running = self
            .stage
            .try_lock()
            .is_ok_and(|stage| matches!(*stage, Stage::Starting(_) | Stage::Running(_)));
        if running {
            self.suspend_within(time);
        }
    }

    /// Sends an order to the driver, or keeps it for the one that continues; `false` when the run is over.
    pub(crate) fn send_order(&self, order: Order) -> bool {
        let leaving = self.leaving.load(Ordering::Relaxed);
        if !leaving && lock(&self.control).as_ref().is_some_and(|control| order.send(control)) {
            return true;
        }
        let over = self.stage.try_lock().is_ok_and(|stage| matches!(*stage, Stage::Over));
        if !over && !matches!(order, Order::Suspend) {
            lock(&self.orders).push(order);
        }
        !over
    }

    pub(crate) fn title(&self) -> String {
        let plan = &self.recipe.plan;
        format!("{}: {}", plan.target.name(), plan.canary)
    }
}

/// Suspends a run when the wait for its next event is dropped, as when asyncio cancels a task.
pub(crate) struct SuspendOnDrop(Option<Arc<Drive>>);

impl SuspendOnDrop {
    pub(crate) fn new(drive: &Arc<Drive>) -> Self {
        Self(Some(Arc::clone(drive)))
    }

    /// Clears the wait after the awaited event has come.
    pub(crate) fn waited(&mut self) {
        self.0 = None;
    }
}

impl Drop for SuspendOnDrop {
    fn drop(&mut self) {
        if let (Some(drive), Ok(runtime)) = (self.0.take(), door::runtime()) {
            runtime.spawn(drive.suspend());
        }
    }
}

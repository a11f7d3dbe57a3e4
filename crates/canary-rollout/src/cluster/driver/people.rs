//! The commands of people.

use super::{
    super::Cluster,
    act, journal,
    listen::Lines,
    obstacles,
    progress::{Order, Progress},
    running::Running,
    sources,
};
use crate::{CommandLine, CommandOutcome, Event, Result};

pub(super) async fn carry_out<C: Cluster + 'static>(
    running: &mut Running<C>,
    order: Order,
) -> Result<()> {
    match order {
        Order::Suspend => act::suspend(running).await,
        Order::Command(command) => commands(running, vec![command.into()]).await,
        Order::Label(id, truth) => {
            sources::label(running, id, truth);
            Ok(())
        }
    }
}

/// Carries out the commands of people that were not read before, and reports their outcomes.
pub(super) async fn commands<C: Cluster + 'static>(
    running: &mut Running<C>,
    mut lines: Lines,
) -> Result<()> {
    let unread = running.state.unread(&lines).len();
    if let Some(CommandLine::Given(command)) = lines.last()
        && unread > 0
        && let Some(why) = obstacles::to(running, command.verb).await
    {
        let refused = command.record(running.driver.clock.now(), CommandOutcome::Refused(why));
        lines.pop();
        lines.push(CommandLine::Refused(refused));
    }
    let paused = running.state.is_paused();
    running.handle(Event::Commanded(lines));
    let records = running.state.commands();
    for record in &records[records.len().saturating_sub(unread)..] {
        journal::command(record);
        // In the driver's own process an outcome is reported only if it is not the wanted one.
        if !record.nonce.is_empty() || record.outcome != CommandOutcome::Done {
            running.reports.push_back(Progress::Commanded(record.clone()));
        }
    }
    match (paused, running.state.is_paused()) {
        (false, true) => running.reports.push_back(Progress::Paused),
        (true, false) => running.reports.push_back(Progress::Resumed),
        _ => {}
    }
    Ok(())
}

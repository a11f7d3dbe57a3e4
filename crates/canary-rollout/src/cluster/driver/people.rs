//! The driver's view of people: their commands, and the approvals that it waits for.

use super::{
    super::Cluster,
    journal,
    listen::Lines,
    progress::{Order, Progress},
    run::Running,
};
use crate::{CommandLine, CommandOutcome, Event, OnAlarm, Result};

impl<C: Cluster + 'static> Running<C> {
    pub(super) async fn carry_out(&mut self, order: Order) -> Result<()> {
        match order {
            Order::Suspend => self.suspend().await,
            Order::Command(command) => self.commanded(vec![command.into()]).await,
            Order::Label(id, truth) => {
                self.label(id, truth);
                Ok(())
            }
        }
    }

    /// Carries out the commands of people that were not read before, and reports their outcomes.
    pub(super) async fn commanded(&mut self, mut lines: Lines) -> Result<()> {
        let unread = self.state.unread(&lines).len();
        if let Some(CommandLine::Given(command)) = lines.last()
            && unread > 0
            && let Some(why) = self.obstacle_to(command.verb).await
        {
            let refused = command.record(self.driver.clock.now(), CommandOutcome::Refused(why));
            lines.pop();
            lines.push(CommandLine::Refused(refused));
        }
        let paused = self.state.is_paused();
        self.handle(Event::Commanded(lines));
        let records = self.state.commands();
        for record in &records[records.len().saturating_sub(unread)..] {
            journal::command(record);
            // In the driver's own process an outcome is reported only if it is not the wanted one.
            if !record.nonce.is_empty() || record.outcome != CommandOutcome::Done {
                self.reports.push_back(Progress::Commanded(record.clone()));
            }
        }
        match (paused, self.state.is_paused()) {
            (false, true) => self.reports.push_back(Progress::Paused),
            (true, false) => self.reports.push_back(Progress::Resumed),
            _ => {}
        }
        Ok(())
    }

    /// Reports the step that waits for approval, if one does.
    pub(super) fn report_approval(&mut self) {
        if let Some(step) = self.state.awaits_approval() {
            let approval = self.driver.machine.awaited_approval(&self.state);
            let timeout = approval.and_then(|approval| approval.timeout);
            self.reports.push_back(Progress::AwaitingApproval { step, timeout });
        }
    }

    /// Reports the last alarm that is not a rollback.
    #[cold]
    pub(super) fn report_alarm(&mut self) {
        let plan = self.driver.machine.plan();
        let Some(name) = self.state.told().last() else { return };
        let readings = self.state.readings(plan);
        let of =
            plan.guardrails.iter().zip(readings).find(|(guardrail, _)| guardrail.name == *name);
        let Some((guardrail, reading)) = of else { return };
        let action = plan.action_of(guardrail);
        self.reports.push_back(Progress::Alarmed { reading, action });
        if action == OnAlarm::Pause {
            self.reports.push_back(Progress::Paused);
        }
    }

    /// Returns `true` when the approval that is awaited is overdue.
    pub(super) fn is_overdue(&self) -> bool {
        let approval = self.driver.machine.awaited_approval(&self.state);
        approval.zip(self.state.awaited()).is_some_and(|(one, waited)| one.is_overdue(waited))
    }
}

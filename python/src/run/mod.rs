//! Plans at work.

mod class;
mod disagreements;
mod draft;
mod drive;
mod evidence;
mod feed;
mod iteration;
mod labels;
mod live;
mod metered;
mod models;
mod notify;
mod observed;
mod order;
mod own;
mod place;
mod queue;
mod raised;
mod recipe;
pub(crate) mod report;
mod samples;
mod score;
mod start;
mod view;

pub(crate) use self::{
    class::Run, notify::Notify, raised::Raised, score::own_scores, start::Start,
};

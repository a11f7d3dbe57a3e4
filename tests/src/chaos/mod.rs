//! A cluster that fails as API servers do, and a ledger of all that is written to it.

mod faulty;
mod ledger;

pub use faulty::{Call, Fault, Faults, Faulty, Refusal, Verb, calm};
pub use ledger::{Ledger, Weights};

//! `rollout`

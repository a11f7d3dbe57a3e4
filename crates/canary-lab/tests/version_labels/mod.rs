//! Releases by version labels: two TensorFlow Servings of one Deployment, their ConfigMap, and the driver.

mod deaths;
mod in_lab;
mod kills;
mod refusals;
mod releases;
mod scene;

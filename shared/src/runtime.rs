//! The process of a function: its state, its log, its warm-up and the Lambda adapter.

pub mod lambda;
pub(crate) mod layers;
pub mod request_log;
pub mod speculation;
pub mod state;
pub mod telemetry;
pub mod warm_up;

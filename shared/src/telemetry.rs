//! Logs: JSON lines in Lambda, readable ones on a laptop.

use tracing_subscriber::EnvFilter;

/// How lines are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// One JSON object a line, fields at the top.
    Json,
    /// For people, on standard error.
    Text,
}

/// Starts logging, once. `RUST_LOG` sets the level, `info` without it.
pub fn start(format: Format) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start, as tests make it, keeps the first.
    let _ = match format {
        Format::Json => logs.json().flatten_event(true).with_current_span(false).try_init(),
        Format::Text => logs.compact().with_target(false).try_init(),
    };
}

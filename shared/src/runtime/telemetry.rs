//! Logs: JSON lines in Lambda, readable ones on a laptop.

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry;

use crate::config::log_levels;

/// How lines are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// One JSON object a line, fields at the top.
    Json,
    /// For people.
    Text,
}

/// Starts logging to standard error, once: a second start keeps the first.
pub fn start(format: Format) {
    // Fails when somebody else logs already, who then goes on doing so.
    let _ = tracing::subscriber::set_global_default(subscriber(format, std::io::stderr));
}

/// What writes the lines. `RUST_LOG` sets the level, `info` without it: one for all, or a list as
/// `info,shared::store=debug`. A release has nothing below `info`.
pub fn subscriber<W>(format: Format, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // Not `EnvFilter`, which also selects by the values of fields: a function would carry regular
    // expressions for it.
    let levels = log_levels().and_then(|levels| levels.parse().ok());
    let levels = levels.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let lines = fmt::layer().with_writer(writer);
    match format {
        Format::Json => {
            let lines = lines.json().flatten_event(true).with_current_span(false);
            Box::new(registry().with(levels).with(lines))
        }
        Format::Text => Box::new(registry().with(levels).with(lines.compact().with_target(false))),
    }
}

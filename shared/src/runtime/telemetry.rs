//! Configures the log: JSON lines in Lambda, readable lines elsewhere.

use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry;

use crate::config::log_levels;

/// Format of the log lines.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// One JSON object per line, with the fields of the event at the top.
    Json,
    /// Text for people.
    Text,
}

/// Starts logging to standard error. A second call has no effect.
pub fn start(format: Format) {
    // Fails when a subscriber is set already, which then stays.
    let _ = tracing::subscriber::set_global_default(subscriber(format, std::io::stderr));
}

/// Returns the subscriber that writes the lines.
///
/// `RUST_LOG` sets the level, `info` by default: one level for all targets, or a list such as
/// `warn,request=info`. A release contains nothing below `info`.
pub fn subscriber<W>(format: Format, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // Not `EnvFilter`: it also filters by the values of fields, for which a function would carry
    // a library of regular expressions.
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

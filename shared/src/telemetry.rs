//! Logs: JSON lines in Lambda, readable ones on a laptop.

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

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

/// What writes the lines. `RUST_LOG` sets the level, `info` without it.
pub fn subscriber<W>(format: Format, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    match format {
        Format::Json => {
            Box::new(lines.json().flatten_event(true).with_current_span(false).finish())
        }
        Format::Text => Box::new(lines.compact().with_target(false).finish()),
    }
}

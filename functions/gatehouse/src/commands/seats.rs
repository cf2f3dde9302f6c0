//! `gatehouse seats`.

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::Shown;
use crate::api::Api;
use crate::error::Error;
use crate::render::{at, fields};
use crate::tenant::Tenant;

/// Licences of a tenant.
#[derive(Debug, Subcommand)]
pub enum Seats {
    /// Shows the pool and how many are used.
    #[command(after_help = "Example:\n  gatehouse seats show customer-17")]
    Show {
        /// Id, external id or name.
        tenant: String,
    },
    /// Changes what is named; the rest stays as it is.
    ///
    /// Making the pool smaller than what is used takes no licence away; nobody gets another until
    /// enough are free.
    #[command(
        after_help = "Examples:\n  gatehouse seats set customer-17 --seats 50 --on-join view-only\n  gatehouse seats set customer-17 --unlimited"
    )]
    Set {
        /// Id, external id or name.
        tenant: String,
        /// How many there are.
        #[arg(long, value_name = "N")]
        seats: Option<u64>,
        /// No limit.
        #[arg(long, conflicts_with = "seats")]
        unlimited: bool,
        /// Whether a full pool grows instead of refusing.
        #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        auto_upgrade: Option<bool>,
        /// What a new user gets without a word about licences.
        #[arg(long, value_name = "WHAT")]
        on_join: Option<OnJoin>,
    },
}

/// What a new user gets.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum OnJoin {
    /// A seat while there is one.
    Grant,
    /// A licence to look.
    ViewOnly,
}

impl OnJoin {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::ViewOnly => "view_only",
        }
    }
}

pub(crate) async fn run(api: &Api, command: Seats) -> Result<Shown, Error> {
    match command {
        Seats::Show { tenant } => {
            let path = Tenant::find(api, &tenant).await?.path("/seats");
            Ok(shown(api.get(&path).await?))
        }
        Seats::Set { tenant, seats, unlimited, auto_upgrade, on_join } => {
            let path = Tenant::find(api, &tenant).await?.path("/seats");
            let before = api.get(&path).await?;
            let kept = |name: &str| before.get(name).cloned().unwrap_or_default();
            let seats = match (seats, unlimited) {
                (Some(seats), _) => seats.into(),
                (None, true) => Value::Null,
                (None, false) => kept("seats"),
            };
            let body = json!({
                "seats": seats,
                "auto_upgrade": auto_upgrade.map_or_else(|| kept("auto_upgrade"), Value::from),
                "on_join": on_join.map_or_else(|| kept("on_join"), |what| what.as_str().into()),
            });
            Ok(shown(api.call("PUT", &path, Some(&body)).await?))
        }
    }
}

fn shown(seats: Value) -> Shown {
    let size = seats.get("seats").filter(|size| !size.is_null());
    let text = fields(&[
        ("Seats", size.map_or_else(|| "no limit".to_owned(), Value::to_string)),
        ("Used", at(&seats, "/used")),
        ("Grows by itself", at(&seats, "/auto_upgrade")),
        ("New users get", at(&seats, "/on_join")),
    ]);
    Shown::new(seats, text)
}

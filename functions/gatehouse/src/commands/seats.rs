//! `gatehouse seats`: the licences of a tenant (`/v1/tenants/{tenant}/seats`).

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::api::Api;
use crate::error::Error;
use crate::output::Output;
use crate::render::{fields, text_at};
use crate::tenant::Tenant;

/// Licences of a tenant.
#[derive(Debug, Subcommand)]
pub enum Seats {
    /// Show the number of seats and how many are used.
    #[command(after_help = "Example:\n  gatehouse seats show customer-17")]
    Show {
        /// Id, external id or name of the tenant.
        tenant: String,
    },
    /// Change the given settings; the others stay as they are.
    ///
    /// A pool that is smaller than the number of used seats removes no licence: new licences are
    /// granted again once enough seats are free.
    #[command(
        after_help = "Examples:\n  gatehouse seats set customer-17 --seats 50 --on-join view-only\n  gatehouse seats set customer-17 --unlimited"
    )]
    Set {
        /// Id, external id or name of the tenant.
        tenant: String,
        /// Number of seats.
        #[arg(long, value_name = "N")]
        seats: Option<u64>,
        /// Remove the limit.
        #[arg(long, conflicts_with = "seats")]
        unlimited: bool,
        /// Let a full pool grow instead of refusing a licence.
        #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        auto_upgrade: Option<bool>,
        /// Licence of a new user, if the identity provider names none.
        #[arg(long, value_name = "LICENCE")]
        on_join: Option<OnJoin>,
    },
}

/// The licence of a new user.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum OnJoin {
    /// A full licence, while there are seats.
    Grant,
    /// A view-only licence, which needs no seat.
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

pub(crate) async fn run(api: &Api, command: Seats) -> Result<Output, Error> {
    match command {
        Seats::Show { tenant } => {
            let path = Tenant::find(api, &tenant).await?.path("/seats");
            Ok(output(api.get(&path).await?))
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
                "on_join": on_join.map_or_else(|| kept("on_join"), |rule| rule.as_str().into()),
            });
            Ok(output(api.call("PUT", &path, Some(&body)).await?))
        }
    }
}

fn output(pool: Value) -> Output {
    let size = pool.get("seats").filter(|size| !size.is_null());
    let text = fields(&[
        ("Seats", size.map_or_else(|| "no limit".to_owned(), Value::to_string)),
        ("Used", text_at(&pool, "/used")),
        ("Grows when full", text_at(&pool, "/auto_upgrade")),
        ("New users get", text_at(&pool, "/on_join")),
    ]);
    Output::new(pool, text)
}

//! `/v1/tenants/{tenant}/seats`: how many licences a tenant has, and what happens when they run
//! out.

use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::body::{Json, Word};
use super::caller::Operator;
use super::params::Path;
use super::tenants::existing;
use crate::operator_api::problem::Problem;
use crate::runtime::state::AppState;
use crate::store::{OnJoin, SeatRules, Seats};

/// The pool as the API shows it.
#[derive(Debug, Serialize)]
pub(super) struct SeatsView {
    /// Null is unlimited.
    seats: Option<u64>,
    /// Active users with a full licence.
    used: u64,
    auto_upgrade: bool,
    on_join: OnJoinView,
}

impl From<Seats> for SeatsView {
    fn from(seats: Seats) -> Self {
        let Seats { rules, used } = seats;
        Self {
            seats: rules.seats,
            used,
            auto_upgrade: rules.auto_upgrade,
            on_join: match rules.on_join {
                OnJoin::Grant => OnJoinView::Grant,
                OnJoin::ViewOnly => OnJoinView::ViewOnly,
            },
        }
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum OnJoinView {
    #[default]
    Grant,
    ViewOnly,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSeats {
    /// Null is unlimited.
    seats: Option<u64>,
    #[serde(default)]
    auto_upgrade: bool,
    #[serde(default)]
    on_join: Word<OnJoinView>,
}

pub(super) async fn read(
    _: Operator,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
) -> Result<Json<SeatsView>, Problem> {
    let tenant = existing(&app, &tenant).await?;
    Ok(Json(app.store.seats(tenant.id).await?.into()))
}

/// Sets the pool. Making it smaller than what is used takes no licence away; nobody gets another
/// until enough are free.
pub(super) async fn set(
    _: Operator,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Json(body): Json<NewSeats>,
) -> Result<Json<SeatsView>, Problem> {
    let tenant = existing(&app, &tenant).await?;
    if body.seats.is_some_and(|seats| seats > MOST_SEATS) {
        return Err(Problem::Invalid(format!("seats must be at most {MOST_SEATS}")));
    }
    let rules = SeatRules {
        seats: body.seats,
        auto_upgrade: body.auto_upgrade,
        on_join: match body.on_join.0 {
            OnJoinView::Grant => OnJoin::Grant,
            OnJoinView::ViewOnly => OnJoin::ViewOnly,
        },
    };
    Ok(Json(app.store.replace_seats(tenant.id, &rules, app.clock.now()).await?.into()))
}

/// More than anybody has; keeps sums far from overflow.
const MOST_SEATS: u64 = 1_000_000_000;

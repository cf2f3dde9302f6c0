//! `/v1/tenants/{tenant}/seats`: the number of full licences of a tenant, and the rules for a full
//! pool.

use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::body::{Json, VariantName};
use super::caller::Operator;
use super::params::{NoQuery, Path};
use super::tenants::find_tenant;
use crate::operator_api::error::OperatorApiError;
use crate::runtime::state::AppState;
use crate::store::{OnJoin, SeatRules, Seats};

/// The pool of seats in an answer.
#[derive(Debug, Serialize)]
pub(super) struct SeatsView {
    /// Null: unlimited.
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
    /// Null: unlimited.
    seats: Option<u64>,
    #[serde(default)]
    auto_upgrade: bool,
    #[serde(default)]
    on_join: VariantName<OnJoinView>,
}

pub(super) async fn read(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
) -> Result<Json<SeatsView>, OperatorApiError> {
    let tenant = find_tenant(&app, &tenant).await?;
    Ok(Json(app.store.seats(tenant.id).await?.into()))
}

/// Replaces the size and the rules of the pool. A pool that is smaller than the number of used
/// seats removes no licence; new ones are granted again once enough seats are free.
pub(super) async fn replace(
    _: Operator,
    _: NoQuery,
    State(app): State<AppState>,
    Path(tenant): Path<String>,
    Json(body): Json<NewSeats>,
) -> Result<Json<SeatsView>, OperatorApiError> {
    let tenant = find_tenant(&app, &tenant).await?;
    if body.seats.is_some_and(|seats| seats > MAX_SEATS) {
        return Err(OperatorApiError::Invalid(format!("seats must be at most {MAX_SEATS}")));
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

/// Larger than any real pool; sums stay far from overflow.
const MAX_SEATS: u64 = 1_000_000_000;

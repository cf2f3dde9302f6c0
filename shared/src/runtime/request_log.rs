//! Writes one line for each request: the only line at level `INFO` that a request causes.
//!
//! Handlers note what they find out about the request with [`note_tenant`] and
//! [`note_ending_token`], or as extensions of the response. The calls to AWS are counted in
//! [`crate::aws::usage`].
//!
//! The line never holds a token, a body, a query string, a path with a person in it, a name, an
//! e-mail address or an IP address.

use std::cell::{Cell, OnceCell};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Level, event};

use crate::aws::usage::measure;
use crate::http::user_agent::Product;
use types::ids::TenantId;

/// Facts about a request that handlers note while they answer it.
#[derive(Default)]
struct Notes {
    tenant: OnceCell<TenantId>,
    token_ends_soon: Cell<bool>,
}

tokio::task_local! {
    /// Of the request that this task answers.
    static NOTES: Notes;
}

/// Notes the tenant of the request. Call it where a token, a session, a code or the name of a
/// connection has been verified to belong to the tenant, and not before.
pub fn note_tenant(tenant: TenantId) {
    // The first tenant stays: a request has one. Outside a request there is no line.
    let _ = NOTES.try_with(|notes| notes.tenant.set(tenant));
}

/// Notes that the SCIM token of the request expires soon.
pub fn note_ending_token() {
    let _ = NOTES.try_with(|notes| notes.token_ends_soon.set(true));
}

/// The code of a failure, `uniqueness` or `saml.audience`; an extension of the response.
#[derive(Clone, Copy, Debug)]
pub struct FailureCode(pub &'static str);

/// Code of an answer that asks to send a request again, because others were changing the resource at
/// the same time.
pub const CONTENTION: &str = "contention";

/// An extension of the response to a refused SAML response that answers a request of this browser,
/// or that a trusted key signed. Alarms count these: a response of a stranger has neither.
#[derive(Clone, Copy, Debug)]
pub struct RefusedSignIn {
    /// Whether the sign-in fails in the same way for every user of the tenant.
    pub is_connection_wide: bool,
}

/// Middleware that writes the line.
pub async fn log_request(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let idp_kind = Product::of(request.headers()).code();
    let answered = async {
        let (response, usage) = measure(next.run(request)).await;
        let notes =
            NOTES.try_with(|notes| (notes.tenant.get().copied(), notes.token_ends_soon.get()));
        (response, usage, notes.unwrap_or_default())
    };
    let (response, usage, (tenant, ends_soon)) = NOTES.scope(Notes::default(), answered).await;
    let status = response.status().as_u16();
    let duration_ms = milliseconds(started.elapsed());
    let tenant = tenant.map(|tenant| tenant.to_string()).unwrap_or_default();
    let code = response.extensions().get::<FailureCode>().map_or("", |code| code.0);
    // The tenant again, on these lines alone and in a field without a dot: Contributor Insights
    // counts these lines by tenant, and reads a dot as a path into an object.
    let refused_sign_in = response.extensions().get::<RefusedSignIn>();
    let refused = refused_sign_in.filter(|refused| refused.is_connection_wide);
    let refused = refused.map(|_| tenant.as_str());
    // Present only when they are true.
    let refused_sign_in = refused_sign_in.map(|_| true);
    let ends_soon = ends_soon.then_some(true);
    let store_ms = milliseconds(usage.store_time);
    macro_rules! summary {
        ($level:expr) => {
            event!(target: "request", $level, tenant.id = tenant, refusedConnectionOf = refused,
                refused_sign_in, token_ends_soon = ends_soon, %method, route, status, duration_ms,
                store.calls = usage.store_calls, store.ms = store_ms,
                store.rcu = usage.units.read, store.wcu = usage.units.write,
                secrets.calls = usage.secrets_calls,
                failure.code = code, idp.kind = idp_kind, "{method} {route} {status}")
        };
    }
    // The protocol requires 501 for `/Me`, and a client that changes one resource from many sides at
    // once causes the 503 that it gets. Neither is a failure to act on, and alarms count these lines.
    let is_of_the_client = response.status() == StatusCode::NOT_IMPLEMENTED || code == CONTENTION;
    if status >= 500 && !is_of_the_client {
        summary!(Level::ERROR);
    } else {
        summary!(Level::INFO);
    }
    response
}

/// Rounds to the microsecond: further digits in a line are noise of the arithmetic.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::milliseconds;

    #[test]
    fn a_duration_has_at_most_three_decimals() {
        let text = |nanos| milliseconds(Duration::from_nanos(nanos)).to_string();
        // In floating point, 0.39996699999999996 milliseconds.
        assert_eq!(text(399_967), "0.4");
        assert_eq!(text(1_044_287), "1.044");
        assert_eq!(text(29_000_000_499), "29000");
    }
}

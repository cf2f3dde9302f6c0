//! One summary line for each request, and nothing else at that level.
//!
//! The line never holds a token, a body, a query string, a path with a person in it, a name, an
//! e-mail address or an IP address.

use std::cell::{Cell, OnceCell};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::{Level, event};

use types::ids::TenantId;

/// What became known of a request while it was answered.
#[derive(Default)]
struct Noted {
    tenant: OnceCell<TenantId>,
    token_ends_soon: Cell<bool>,
}

tokio::task_local! {
    /// Of the request that this task answers.
    static NOTED: Noted;
}

/// Notes whose request it is, for its summary line: where a token, a session, a code or the domain
/// of a connection has been found to be somebody's, and not before.
pub fn note_tenant(tenant: TenantId) {
    // The first answer stays: a request has one tenant. Outside of a request there is no line.
    let _ = NOTED.try_with(|noted| noted.tenant.set(tenant));
}

/// Notes that the request came with a SCIM token which is about to expire.
pub fn note_ending_token() {
    let _ = NOTED.try_with(|noted| noted.token_ends_soon.set(true));
}

/// The code of a failure, `uniqueness` or `saml.audience`; an extension of the response.
#[derive(Clone, Copy, Debug)]
pub struct FailureCode(pub &'static str);

/// An extension of the response to a sign-in that everybody of the tenant meets.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionRefused;

/// Middleware that writes the line.
pub async fn log_request(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let idp_kind = idp_kind(request.headers());
    let answered = async {
        let response = next.run(request).await;
        let noted =
            NOTED.try_with(|noted| (noted.tenant.get().copied(), noted.token_ends_soon.get()));
        (response, noted.unwrap_or_default())
    };
    let (response, (tenant, ends_soon)) = NOTED.scope(Noted::default(), answered).await;
    let status = response.status().as_u16();
    let duration_ms = milliseconds(started.elapsed());
    let tenant = tenant.map(|tenant| tenant.to_string()).unwrap_or_default();
    let code = response.extensions().get::<FailureCode>().map_or("", |code| code.0);
    // The tenant once more, on these lines alone and under a name of letters: Contributor Insights, which
    // counts them by tenant, takes a dot for the way into an object.
    let refused = response.extensions().get::<ConnectionRefused>().map(|_| tenant.as_str());
    // There only when it is true.
    let ends_soon = ends_soon.then_some(true);
    macro_rules! summary {
        ($level:expr) => {
            event!(target: "request", $level, tenant.id = tenant, refusedConnectionOf = refused,
                token_ends_soon = ends_soon, %method, route, status, duration_ms,
                failure.code = code, idp.kind = idp_kind, "{method} {route} {status}")
        };
    }
    // 501 is what the protocol has us answer to `/Me`; nobody must act on it.
    if status >= 500 && response.status() != StatusCode::NOT_IMPLEMENTED {
        summary!(Level::ERROR);
    } else {
        summary!(Level::INFO);
    }
    response
}

/// To the microsecond: what stands behind that in a line is noise of the arithmetic.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// Which provider's connector calls, by the few user agents that are known.
fn idp_kind(headers: &HeaderMap) -> &'static str {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("");
    KNOWN_AGENTS
        .iter()
        .find(|(part, _)| agent.len() >= part.len() && contains_ignoring_case(agent, part))
        .map_or("other", |(_, kind)| kind)
}

fn contains_ignoring_case(text: &str, part: &str) -> bool {
    text.as_bytes().windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
}

const KNOWN_AGENTS: [(&str, &str); 7] = [
    ("okta", "okta"),
    ("azure", "entra"),
    ("microsoft", "entra"),
    ("onelogin", "onelogin"),
    ("google", "google"),
    ("jumpcloud", "jumpcloud"),
    ("pingfederate", "ping"),
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::milliseconds;

    #[test]
    fn a_duration_has_no_digits_that_nobody_measured() {
        let text = |nanos| milliseconds(Duration::from_nanos(nanos)).to_string();
        // In floating point, 0.39996699999999996 milliseconds.
        assert_eq!(text(399_967), "0.4");
        assert_eq!(text(1_044_287), "1.044");
        assert_eq!(text(29_000_000_499), "29000");
    }
}

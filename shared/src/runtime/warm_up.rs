//! What a function does while it starts, so that its first request need not: it opens a connection
//! to the table and to Secrets Manager, and reads the secret that its requests will need.
//!
//! Lambda starts a process when a request is waiting for it. The process asks for that request first;
//! while it is on its way, and its answer is not, the handshakes are under way, which are the greater
//! part of a first call's work.
//!
//! Invariants:
//! - A warm-up stops nothing. What it could not do, the first request does, or fails at.
//! - It makes no more calls than one of each service, and none that the function's role does not
//!   allow anyway.
//! - A function names the secret by a function of this module and not by a value, so that only the
//!   code for that secret, and the library that it needs, is linked into its executable.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::SetOnce;

use crate::runtime::state::AppState;
use crate::secrets::oidc_keys::OidcKeysError;
use crate::secrets::saml_keys::SamlKeysError;
use crate::secrets::{SecretName, SecretsError};

/// A warm-up that has begun; cheap to clone.
#[derive(Clone, Debug)]
pub struct WarmUp(Arc<SetOnce<()>>);

impl WarmUp {
    /// Begins, and goes on whenever its caller waits for something else.
    pub fn begin<S>(app: AppState, secret: impl FnOnce(AppState) -> S) -> Self
    where
        S: Future<Output = Result<(), WarmUpError>> + Send + 'static,
    {
        let over = Arc::new(SetOnce::new());
        let this = Self(Arc::clone(&over));
        let secret = secret(app.clone());
        tokio::spawn(async move {
            for _ in 0..PASSES {
                tokio::task::yield_now().await;
            }
            warm_up(&app, secret).await;
            // There is nobody else to set it.
            let _ = over.set(());
        });
        this
    }
}

/// Opens both connections at once. What fails is logged, for it will fail again.
pub async fn warm_up(app: &AppState, secret: impl Future<Output = Result<(), WarmUpError>>) {
    let (table, secret) = tokio::join!(app.store.connect(), secret);
    if let Err(error) = table {
        tracing::warn!(error = &error as &dyn std::error::Error, "the table was not reached");
    }
    if let Err(error) = secret {
        tracing::warn!(error = &error as &dyn std::error::Error, "a secret was not read");
    }
}

/// The key that authenticates cursors.
///
/// # Errors
///
/// When Secrets Manager does not answer. As with the others, a secret that does not exist yet is
/// left to the requests.
pub async fn cursor_key(app: AppState) -> Result<(), WarmUpError> {
    Ok(app.secrets.cached(SecretName::CursorKey, app.clock.now()).await.map(drop)?)
}

/// The keys of the SAML service provider.
///
/// # Errors
///
/// When Secrets Manager does not answer, or holds something else.
pub async fn saml_keys(app: AppState) -> Result<(), WarmUpError> {
    match app.saml_keys.load(app.clock.now()).await {
        Ok(_) | Err(SamlKeysError::Missing) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The keys that sign tokens.
///
/// # Errors
///
/// When Secrets Manager does not answer, or holds something else.
pub async fn oidc_keys(app: AppState) -> Result<(), WarmUpError> {
    Ok(app.oidc_keys.load(app.clock.now()).await.map(drop)?)
}

/// Why a secret is not at hand.
#[derive(Debug, thiserror::Error)]
pub enum WarmUpError {
    /// The keys of the SAML service provider.
    #[error(transparent)]
    Saml(#[from] SamlKeysError),
    /// The keys that sign tokens.
    #[error(transparent)]
    Oidc(#[from] OidcKeysError),
    /// Any other.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

/// Middleware that lets the first request wait for the warm-up instead of opening the same
/// connections beside it; for a while, since a frozen process may wake up with dead connections.
pub async fn after_warm_up(
    State(warm_up): State<WarmUp>,
    request: Request,
    next: Next,
) -> Response {
    let WarmUp(over) = warm_up;
    if !over.initialized() {
        // Over or not, the request goes on.
        let _ = tokio::time::timeout(PATIENCE, over.wait()).await;
    }
    next.run(request).await
}

/// How often the others come first, so that the poll is out and the request on its way before this
/// takes the one thread: a connection, a request and its bytes need one pass each.
const PASSES: usize = 8;

/// Several times what two handshakes take within a Region.
const PATIENCE: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tokio::time::Instant;
    use tower::ServiceExt as _;

    use super::*;

    async fn first_request(over: &Arc<SetOnce<()>>) -> Duration {
        let layer = from_fn_with_state(WarmUp(Arc::clone(over)), after_warm_up);
        let router = Router::new().route("/", get(async || "ok")).layer(layer);
        let started = Instant::now();
        router.oneshot(Request::new(Body::empty())).await.unwrap();
        started.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_request_waits_for_the_warm_up_and_no_other_does() {
        let over = Arc::new(SetOnce::new());
        let done = Arc::clone(&over);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            done.set(()).unwrap();
        });
        assert_eq!(first_request(&over).await, Duration::from_millis(20));
        assert_eq!(first_request(&over).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_warm_up_that_hangs_delays_the_first_request_by_a_bounded_time() {
        let over = Arc::new(SetOnce::new());
        assert!(first_request(&over).await <= PATIENCE + Duration::from_millis(1));
    }
}

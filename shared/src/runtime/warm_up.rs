//! The warm-up of a function: opens the connections to DynamoDB and Secrets Manager while the
//! process starts, and reads the secret that its requests will need.
//!
//! Lambda starts a process when a request is waiting for it. The process first polls for that
//! request. The TLS handshakes, which are most of the work of a first call, run while the poll is
//! answered.
//!
//! Invariants:
//! - A failed warm-up has no effect on requests: the first request makes the calls itself.
//! - It makes one call to each service at most, and none that the role of the function forbids.
//! - A function names its secret by a function of this module, not by a value, so that only the
//!   code for that secret, and the libraries that it needs, are linked into its executable.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tokio::sync::SetOnce;

use crate::error_chain::ErrorChain;
use crate::runtime::state::AppState;
use crate::secrets::oidc_keys::OidcKeysError;
use crate::secrets::saml_keys::SamlKeysError;
use crate::secrets::{SecretName, SecretsError};

/// A running or finished warm-up. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WarmUp(Arc<SetOnce<()>>);

impl WarmUp {
    /// Starts the warm-up as a task.
    pub fn start<S>(app: AppState, secret: impl FnOnce(AppState) -> S) -> Self
    where
        S: Future<Output = Result<(), WarmUpError>> + Send + 'static,
    {
        let finished = Arc::new(SetOnce::new());
        let this = Self(Arc::clone(&finished));
        let secret = secret(app.clone());
        tokio::spawn(async move {
            for _ in 0..YIELDS {
                tokio::task::yield_now().await;
            }
            warm_up(&app, secret).await;
            // Set only here.
            let _ = finished.set(());
        });
        this
    }
}

/// Opens both connections at the same time. Logs a failure, which the first request may meet again.
pub async fn warm_up(app: &AppState, secret: impl Future<Output = Result<(), WarmUpError>>) {
    let (table, secret) = tokio::join!(app.store.connect(), secret);
    if let Err(error) = table {
        tracing::warn!("could not connect to the table: {}", ErrorChain(&error));
    }
    if let Err(error) = secret {
        tracing::warn!("could not read a secret: {}", ErrorChain(&error));
    }
}

/// Reads the key that authenticates cursors. A secret that does not exist yet is no error, here and
/// in the functions below.
///
/// # Errors
///
/// When Secrets Manager does not answer.
pub async fn cursor_key(app: AppState) -> Result<(), WarmUpError> {
    Ok(app.secrets.cached(SecretName::CursorKey, app.clock.now()).await.map(drop)?)
}

/// Reads the key pairs of the SAML service provider.
///
/// # Errors
///
/// When Secrets Manager does not answer, or the secret does not hold usable keys.
pub async fn saml_keys(app: AppState) -> Result<(), WarmUpError> {
    match app.saml_keys.load(app.clock.now()).await {
        Ok(_) | Err(SamlKeysError::Missing) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Reads the keys that sign tokens.
///
/// # Errors
///
/// When Secrets Manager does not answer, or the secret does not hold usable keys.
pub async fn oidc_keys(app: AppState) -> Result<(), WarmUpError> {
    Ok(app.oidc_keys.load(app.clock.now()).await.map(drop)?)
}

/// Error of reading a secret.
#[derive(Debug, thiserror::Error)]
pub enum WarmUpError {
    /// The key pairs of the SAML service provider.
    #[error(transparent)]
    Saml(#[from] SamlKeysError),
    /// The keys that sign tokens.
    #[error(transparent)]
    Oidc(#[from] OidcKeysError),
    /// The cursor key.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
}

/// Middleware that lets the first request wait for the warm-up, instead of opening the same
/// connections again. The wait is bounded, since a process that was frozen may have dead
/// connections.
pub async fn after_warm_up(
    State(warm_up): State<WarmUp>,
    request: Request,
    next: Next,
) -> Response {
    let WarmUp(finished) = warm_up;
    if !finished.initialized() {
        // After the time limit the request goes on anyway.
        let _ = tokio::time::timeout(MAX_WAIT, finished.wait()).await;
    }
    next.run(request).await
}

/// Number of times that the warm-up yields to the other tasks first, so that the poll is sent
/// before the warm-up occupies the only thread: connecting and sending take a few passes.
const YIELDS: usize = 8;

/// Several times the duration of two handshakes within a Region.
const MAX_WAIT: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tokio::time::Instant;
    use tower::ServiceExt as _;

    use super::*;

    async fn first_request(finished: &Arc<SetOnce<()>>) -> Duration {
        let layer = from_fn_with_state(WarmUp(Arc::clone(finished)), after_warm_up);
        let router = Router::new().route("/", get(async || "ok")).layer(layer);
        let started = Instant::now();
        router.oneshot(Request::new(Body::empty())).await.unwrap();
        started.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_first_request_waits_for_the_warm_up() {
        let finished = Arc::new(SetOnce::new());
        let setter = Arc::clone(&finished);
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            setter.set(()).unwrap();
        });
        assert_eq!(first_request(&finished).await, Duration::from_millis(20));
        assert_eq!(first_request(&finished).await, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_warm_up_delays_the_first_request_by_a_bounded_time() {
        let finished = Arc::new(SetOnce::new());
        assert!(first_request(&finished).await <= MAX_WAIT + Duration::from_millis(1));
    }
}

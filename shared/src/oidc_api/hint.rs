//! The signature of an `id_token_hint`.

use super::error::OidcApiError;
use crate::runtime::state::AppState;
use crate::secrets::oidc_keys::TokenType;
use oidc::id_token_hint::HintClaims;

/// Returns the claims of an ID token that one of our keys signed, expired or not; `None` for any
/// other text. The caller checks issuer and audience.
pub(super) async fn hint_claims(
    app: &AppState,
    token: &str,
) -> Result<Option<HintClaims>, OidcApiError> {
    Ok(app.oidc_keys.verify(TokenType::IdToken, token, app.clock.now()).await?)
}

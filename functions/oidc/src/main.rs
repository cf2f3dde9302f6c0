//! The Lambda function `oidc`: [`shared::oidc_api`].

use std::error::Error;

use shared::secrets::SecretName;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    shared::lambda::serve(shared::oidc_api::router, SecretName::OidcKeys).await
}

//! The Lambda function `saml-metadata`: the metadata of [`shared::saml_api`].

use std::error::Error;

use shared::secrets::SecretName;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    shared::lambda::serve(shared::saml_api::metadata_router, SecretName::SamlKeys).await
}

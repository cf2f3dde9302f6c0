//! The Lambda function `saml-acs`: sign-in and assertion consumer of [`shared::saml_api`].

use std::error::Error;

use shared::runtime::warm_up;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    shared::runtime::lambda::serve(shared::saml_api::acs_router, warm_up::saml_keys).await
}

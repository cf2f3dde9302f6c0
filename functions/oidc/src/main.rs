//! The Lambda function `oidc`: [`shared::oidc_api`].

use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    shared::lambda::serve(shared::oidc_api::router).await
}

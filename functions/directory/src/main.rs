//! The Lambda function `directory`: [`shared::directory_api`].

use std::error::Error;

use shared::runtime::warm_up;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    shared::runtime::lambda::serve(shared::directory_api::router, warm_up::oidc_keys).await
}

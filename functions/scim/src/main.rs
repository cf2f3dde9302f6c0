//! The Lambda function `scim`: [`shared::scim_api`].

use std::error::Error;

use shared::runtime::warm_up;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    shared::runtime::lambda::serve(shared::scim_api::router, warm_up::cursor_key).await
}

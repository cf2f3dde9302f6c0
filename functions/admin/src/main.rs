//! The Lambda function `admin`: [`shared::operator_api`].

use std::error::Error;

use shared::runtime::warm_up;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    shared::runtime::lambda::serve(shared::operator_api::router, warm_up::saml_keys).await
}

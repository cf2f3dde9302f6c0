//! The Lambda function `pretraffic`: [`shared::deploy_check`], before a new version gets traffic.

use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    shared::deploy_check::serve().await
}

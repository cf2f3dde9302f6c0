//! The Lambda function `events`: [`shared::events`], the publisher of the feed.

use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    shared::events::serve().await
}

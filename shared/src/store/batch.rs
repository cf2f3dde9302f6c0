//! Many rows that need no condition, in batches. Every row is written whole or deleted whole, so
//! a batch that failed in the middle is safe to send again.

use aws_sdk_dynamodb::types::{DeleteRequest, PutRequest, WriteRequest};
use tokio::task::JoinSet;

use super::item::Item;
use super::keys::Key;
use super::retry::Backoff;
use super::write::Write;
use super::{Store, StoreError};

/// A row to put or to delete, whatever was there.
#[derive(Clone, Debug)]
pub(super) enum RowChange {
    Put(Item),
    Delete(Key),
}

impl RowChange {
    /// The same as part of a transaction.
    pub(super) fn write(self) -> Write {
        match self {
            Self::Put(item) => Write::put(item),
            Self::Delete(key) => Write::delete(key),
        }
    }

    fn request(self) -> Result<WriteRequest, StoreError> {
        let request = WriteRequest::builder();
        Ok(match self {
            Self::Put(item) => request.put_request(
                PutRequest::builder()
                    .set_item(Some(item))
                    .build()
                    .map_err(StoreError::unavailable)?,
            ),
            Self::Delete(key) => request.delete_request(
                DeleteRequest::builder()
                    .set_key(Some(key.item()))
                    .build()
                    .map_err(StoreError::unavailable)?,
            ),
        }
        .build())
    }
}

impl Store {
    /// Writes rows of different keys, a few batches at a time.
    pub(super) async fn write_rows(&self, rows: Vec<RowChange>) -> Result<(), StoreError> {
        let mut requests =
            rows.into_iter().map(RowChange::request).collect::<Result<Vec<_>, _>>()?;
        let mut running = JoinSet::new();
        while !requests.is_empty() {
            let rest = requests.split_off(MAX_BATCH_WRITE.min(requests.len()));
            let batch = std::mem::replace(&mut requests, rest);
            if running.len() >= BATCHES_AT_ONCE {
                finish(running.join_next().await)?;
            }
            let store = self.clone();
            running.spawn(async move { store.write_batch(batch).await });
        }
        while !running.is_empty() {
            finish(running.join_next().await)?;
        }
        Ok(())
    }

    async fn write_batch(&self, mut requests: Vec<WriteRequest>) -> Result<(), StoreError> {
        let mut backoff = Backoff::default();
        loop {
            let sent = requests.len();
            let answer = self
                .client
                .batch_write_item()
                .request_items(&self.table, requests)
                .send()
                .await
                .map_err(StoreError::unavailable)?;
            requests = answer
                .unprocessed_items
                .unwrap_or_default()
                .remove(&self.table)
                .unwrap_or_default();
            if requests.is_empty() {
                return Ok(());
            }
            if requests.len() < sent {
                backoff = Backoff::default();
            }
            backoff.pause().await?;
        }
    }
}

type Finished = Option<Result<Result<(), StoreError>, tokio::task::JoinError>>;

fn finish(finished: Finished) -> Result<(), StoreError> {
    match finished {
        None => Ok(()),
        Some(Ok(result)) => result,
        Some(Err(error)) => Err(StoreError::unavailable(error)),
    }
}

/// DynamoDB's limit of rows in one `BatchWriteItem`.
const MAX_BATCH_WRITE: usize = 25;

const BATCHES_AT_ONCE: usize = 8;

//! Writes many rows that need no condition, in batches. Every row is written or deleted as a
//! whole, so a batch that failed in the middle is safe to send again.

use std::iter;

use aws_sdk_dynamodb::types::{DeleteRequest, PutRequest, WriteRequest};
use futures_util::stream::{self, TryStreamExt as _};

use super::call::{send, wanted_capacity};
use super::error::Operation;
use super::item::Item;
use super::keys::Key;
use super::retry::Backoff;
use super::{Store, StoreError};

/// A row to put or to delete, whatever was there.
#[derive(Clone, Debug)]
pub(super) enum RowChange {
    Put(Item),
    Delete(Key),
}

impl RowChange {
    fn key(&self) -> Key {
        match self {
            Self::Put(row) => Key::of(row),
            Self::Delete(key) => key.clone(),
        }
    }

    fn into_request(self) -> Result<WriteRequest, StoreError> {
        let operation = Operation::write(&self.key());
        let request = WriteRequest::builder();
        let request = match self {
            Self::Put(row) => {
                let put = PutRequest::builder().set_item(Some(row)).build();
                put.map(|put| request.put_request(put))
            }
            Self::Delete(key) => {
                let delete = DeleteRequest::builder().set_key(Some(key.item())).build();
                delete.map(|delete| request.delete_request(delete))
            }
        };
        Ok(request.map_err(|error| StoreError::unavailable(operation, error))?.build())
    }
}

impl Store {
    /// Writes rows of different keys, a few batches at a time.
    pub(super) async fn write_rows(&self, rows: Vec<RowChange>) -> Result<(), StoreError> {
        let Some(first) = rows.first().map(RowChange::key) else { return Ok(()) };
        let operation = Operation::write(&first);
        let requests = rows.into_iter().map(RowChange::into_request);
        let mut requests = requests.collect::<Result<Vec<_>, _>>()?.into_iter();
        let batches = iter::from_fn(|| {
            let batch: Vec<_> = requests.by_ref().take(MAX_BATCH_WRITE).collect();
            (!batch.is_empty()).then_some(batch)
        });
        // Not as tasks of their own: a call counts in the task of the request.
        stream::iter(batches.map(|batch| Ok(self.write_batch(operation, batch))))
            .try_buffer_unordered(BATCHES_AT_ONCE)
            .try_collect()
            .await
    }

    async fn write_batch(
        &self,
        operation: Operation,
        mut requests: Vec<WriteRequest>,
    ) -> Result<(), StoreError> {
        let mut backoff = Backoff::default();
        loop {
            let sent = requests.len();
            let call = self
                .client
                .batch_write_item()
                .request_items(&self.table, requests)
                .set_return_consumed_capacity(wanted_capacity())
                .send();
            let output = send(call).await.map_err(StoreError::failed_call(|| operation))?;
            requests = output
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

/// DynamoDB's limit of rows in one `BatchWriteItem`.
const MAX_BATCH_WRITE: usize = 25;

const BATCHES_AT_ONCE: usize = 8;

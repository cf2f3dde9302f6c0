//! Commits conditional writes: one as a plain call, several as one transaction.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{CancellationReason, ReturnValuesOnConditionCheckFailure};

use super::call::{send, wanted_capacity};
use super::error::Operation;
use super::item::Item;
use super::retry::{Backoff, is_transient};
use super::write::{Write, WriteKind};
use super::{Store, StoreError};
use crate::aws::call_error::CallError;

/// The outcome of a commit that DynamoDB answered.
#[derive(Debug)]
pub(super) enum Commit<L> {
    /// All writes happened.
    Done,
    /// None happened: these conditions did not hold.
    Refused(Vec<Refusal<L>>),
}

/// A condition that did not hold.
#[derive(Debug)]
pub(super) struct Refusal<L> {
    /// The label of the write with the condition.
    pub(super) label: L,
    /// The row as it is in the table, if it exists.
    pub(super) found: Option<Item>,
}

/// Error of a single write.
enum WriteError {
    /// The condition did not hold; with the row, if it exists.
    Condition(Option<Item>),
    /// A transaction holds the row.
    Conflict,
    Call(CallError),
}

impl<E> From<SdkError<E>> for WriteError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    aws_sdk_dynamodb::Error: From<E>,
{
    fn from(error: SdkError<E>) -> Self {
        use aws_sdk_dynamodb::Error;
        let SdkError::ServiceError(error) = error else {
            return Self::Call(error.into());
        };
        let error = Error::from(error.into_err());
        if let Error::ConditionalCheckFailedException(failed) = error {
            return Self::Condition(failed.item);
        }
        if matches!(error, Error::TransactionConflictException(_)) {
            return Self::Conflict;
        }
        Self::Call(CallError::refused(&error))
    }
}

impl Store {
    /// Commits all writes or none. A refusal names the labels of the writes whose conditions did
    /// not hold.
    pub(super) async fn commit<L: Copy>(
        &self,
        writes: &[(L, Write)],
    ) -> Result<Commit<L>, StoreError> {
        match writes {
            [] => Ok(Commit::Done),
            [(label, write)] if !matches!(write.kind, WriteKind::Check(_)) => {
                self.commit_one(*label, write).await
            }
            [(_, first), ..] => self.commit_all(first, writes).await,
        }
    }

    async fn commit_all<L: Copy>(
        &self,
        first: &Write,
        writes: &[(L, Write)],
    ) -> Result<Commit<L>, StoreError> {
        if writes.len() > MAX_TRANSACTION {
            return Err(StoreError::TooLarge);
        }
        let items = writes
            .iter()
            .map(|(_, write)| write.transact(&self.table))
            .collect::<Result<Vec<_>, _>>()?;
        let operation = || Operation::write(&first.key());
        let mut backoff = Backoff::default();
        loop {
            let call = self
                .client
                .transact_write_items()
                .set_transact_items(Some(items.clone()))
                .set_return_consumed_capacity(wanted_capacity())
                .send();
            let Err(error) = send(call).await else {
                self.note_events(writes);
                return Ok(Commit::Done);
            };
            let reasons =
                cancellation_reasons(error).map_err(StoreError::failed_call(operation))?;
            if reasons.iter().any(|reason| code(reason) == CONDITION) {
                return Ok(Commit::Refused(refusals(writes, reasons)));
            }
            if !reasons.iter().all(|reason| code(reason) == "None" || is_transient(code(reason))) {
                let codes: Vec<&str> = reasons.iter().map(code).collect();
                let cancelled = format!("the transaction was cancelled: {}", codes.join(", "));
                return Err(StoreError::unavailable(operation(), cancelled));
            }
            backoff.pause().await?;
        }
    }

    async fn commit_one<L: Copy>(&self, label: L, write: &Write) -> Result<Commit<L>, StoreError> {
        let write = &write.marked()?;
        let mut backoff = Backoff::default();
        loop {
            match self.send_write(write).await {
                Ok(()) => return Ok(Commit::Done),
                Err(WriteError::Condition(found)) if write.is_done(found.as_ref()) => {
                    return Ok(Commit::Done);
                }
                Err(WriteError::Condition(found)) => {
                    return Ok(Commit::Refused(vec![Refusal { label, found }]));
                }
                Err(WriteError::Conflict) => backoff.pause().await?,
                Err(WriteError::Call(error)) => {
                    return Err(StoreError::unavailable(Operation::write(&write.key()), error));
                }
            }
        }
    }

    async fn send_write(&self, write: &Write) -> Result<(), WriteError> {
        let all_old = ReturnValuesOnConditionCheckFailure::AllOld;
        let (condition, values) = (write.condition.clone(), write.values());
        match &write.kind {
            WriteKind::Put(row) => {
                let call = self
                    .client
                    .put_item()
                    .table_name(&self.table)
                    .set_item(Some(row.clone()))
                    .set_condition_expression(condition)
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(all_old)
                    .set_return_consumed_capacity(wanted_capacity())
                    .send();
                send(call).await?;
            }
            WriteKind::Replace(replace) => {
                let call = self
                    .client
                    .update_item()
                    .table_name(&self.table)
                    .set_key(Some(replace.key()))
                    .update_expression(replace.expression())
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(Some(replace.names()))
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(all_old)
                    .set_return_consumed_capacity(wanted_capacity())
                    .send();
                send(call).await?;
            }
            WriteKind::Update { key, expression } => {
                let call = self
                    .client
                    .update_item()
                    .table_name(&self.table)
                    .set_key(Some(key.item()))
                    .update_expression(expression)
                    .set_condition_expression(condition)
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(all_old)
                    .set_return_consumed_capacity(wanted_capacity())
                    .send();
                send(call).await?;
            }
            WriteKind::Delete(key) => {
                let call = self
                    .client
                    .delete_item()
                    .table_name(&self.table)
                    .set_key(Some(key.item()))
                    .set_condition_expression(condition)
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(all_old)
                    .set_return_consumed_capacity(wanted_capacity())
                    .send();
                send(call).await?;
            }
            // `commit` sends it as a transaction.
            WriteKind::Check(_) => {}
        }
        Ok(())
    }
}

/// Returns the reasons of a cancelled transaction, one per write.
fn cancellation_reasons(
    error: SdkError<TransactWriteItemsError>,
) -> Result<Vec<CancellationReason>, CallError> {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            Ok(cancelled.cancellation_reasons().to_vec())
        }
        _ => Err(error.into()),
    }
}

fn refusals<L: Copy>(writes: &[(L, Write)], reasons: Vec<CancellationReason>) -> Vec<Refusal<L>> {
    writes
        .iter()
        .zip(reasons)
        .filter(|(_, reason)| code(reason) == CONDITION)
        .map(|((label, _), reason)| Refusal { label: *label, found: reason.item })
        .collect()
}

fn code(reason: &CancellationReason) -> &str {
    reason.code().unwrap_or("None")
}

const CONDITION: &str = "ConditionalCheckFailed";

/// DynamoDB's limit of writes in one transaction.
pub(super) const MAX_TRANSACTION: usize = 100;

//! Commits of conditional writes: one as a plain call, several as one transaction.

use aws_sdk_dynamodb::Error;
use aws_sdk_dynamodb::types::{CancellationReason, ReturnValuesOnConditionCheckFailure};

use super::item::Item;
use super::retry::{Backoff, is_transient};
use super::write::{Write, WriteKind};
use super::{Store, StoreError};

/// What became of a commit that DynamoDB answered.
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
    /// Which write it guards.
    pub(super) label: L,
    /// The row that it met, if there was one.
    pub(super) found: Option<Item>,
}

impl Store {
    /// Commits all writes or none. Each label says whose condition did not hold.
    pub(super) async fn commit<L: Copy>(
        &self,
        writes: &[(L, Write)],
    ) -> Result<Commit<L>, StoreError> {
        match writes {
            [] => Ok(Commit::Done),
            [(label, write)] if !matches!(write.kind, WriteKind::Check(_)) => {
                self.commit_one(*label, write).await
            }
            _ => self.commit_all(writes).await,
        }
    }

    async fn commit_all<L: Copy>(&self, writes: &[(L, Write)]) -> Result<Commit<L>, StoreError> {
        if writes.len() > MAX_TRANSACTION {
            return Err(StoreError::TooLarge);
        }
        let items = writes
            .iter()
            .map(|(_, write)| write.transact(&self.table))
            .collect::<Result<Vec<_>, _>>()?;
        let mut backoff = Backoff::default();
        loop {
            let call = self.client.transact_write_items().set_transact_items(Some(items.clone()));
            let Err(error) = call.send().await else { return Ok(Commit::Done) };
            let reasons = cancellation_reasons(error.into())?;
            if reasons.iter().any(|reason| code(reason) == CONDITION) {
                return Ok(Commit::Refused(refusals(writes, reasons)));
            }
            if !reasons.iter().all(|reason| code(reason) == "None" || is_transient(code(reason))) {
                return Err(StoreError::unavailable(format!("cancelled: {:?}", codes(&reasons))));
            }
            backoff.pause().await?;
        }
    }

    async fn commit_one<L: Copy>(&self, label: L, write: &Write) -> Result<Commit<L>, StoreError> {
        let write = &write.marked()?;
        let mut backoff = Backoff::default();
        loop {
            let Err(error) = self.send_one(write).await else { return Ok(Commit::Done) };
            if let Error::ConditionalCheckFailedException(refused) = error {
                if write.is_already_done(refused.item()) {
                    return Ok(Commit::Done);
                }
                let found = refused.item().cloned();
                return Ok(Commit::Refused(vec![Refusal { label, found }]));
            }
            if !matches!(error, Error::TransactionConflictException(_)) {
                return Err(StoreError::unavailable(error));
            }
            backoff.pause().await?;
        }
    }

    async fn send_one(&self, write: &Write) -> Result<(), Error> {
        let all_old = ReturnValuesOnConditionCheckFailure::AllOld;
        let (condition, values) = (write.condition.clone(), write.values());
        match &write.kind {
            WriteKind::Put(row) => {
                self.client
                    .put_item()
                    .table_name(&self.table)
                    .set_item(Some(row.clone()))
                    .set_condition_expression(condition)
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(all_old)
                    .send()
                    .await?;
            }
            WriteKind::Replace(replace) => {
                self.client
                    .update_item()
                    .table_name(&self.table)
                    .set_key(Some(replace.key()))
                    .update_expression(replace.expression())
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(Some(replace.names()))
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(all_old)
                    .send()
                    .await?;
            }
            WriteKind::Update { key, expression } => {
                self.client
                    .update_item()
                    .table_name(&self.table)
                    .set_key(Some(key.item()))
                    .update_expression(expression)
                    .set_condition_expression(condition)
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(all_old)
                    .send()
                    .await?;
            }
            // Not a call of its own: `commit` makes a transaction of it.
            WriteKind::Check(_) => {}
            WriteKind::Delete(key) => {
                self.client
                    .delete_item()
                    .table_name(&self.table)
                    .set_key(Some(key.item()))
                    .set_condition_expression(condition)
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(all_old)
                    .send()
                    .await?;
            }
        }
        Ok(())
    }
}

/// The reasons of a cancelled transaction, one per write; every other error is passed on.
fn cancellation_reasons(error: Error) -> Result<Vec<CancellationReason>, StoreError> {
    let Error::TransactionCanceledException(cancelled) = error else {
        return Err(StoreError::unavailable(error));
    };
    Ok(cancelled.cancellation_reasons.unwrap_or_default())
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

fn codes(reasons: &[CancellationReason]) -> Vec<&str> {
    reasons.iter().map(code).collect()
}

const CONDITION: &str = "ConditionalCheckFailed";

/// DynamoDB's limit of writes in one transaction.
pub(super) const MAX_TRANSACTION: usize = 100;

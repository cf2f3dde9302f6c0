//! Conditional writes: one as a plain call, several as one transaction.

use std::collections::HashMap;

use aws_sdk_dynamodb::Error;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, Delete, Put, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};

use super::item::{Item, number};
use super::keys::Key;
use super::retry::{Backoff, passes, random};
use super::{Store, StoreError};

/// One write and the condition under which it may happen.
#[derive(Clone, Debug)]
pub(super) struct Write {
    kind: Kind,
    condition: Option<String>,
    values: HashMap<String, AttributeValue>,
}

#[derive(Clone, Debug)]
enum Kind {
    Put(Item),
    Update { key: Key, expression: String },
    Delete(Key),
}

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

impl Write {
    fn new(kind: Kind) -> Self {
        Self { kind, condition: None, values: HashMap::new() }
    }

    pub(super) fn put(item: Item) -> Self {
        Self::new(Kind::Put(item))
    }

    /// Puts a row that must not exist yet.
    pub(super) fn insert(item: Item) -> Self {
        Self::put(item).when("attribute_not_exists(pk)")
    }

    pub(super) fn update(key: Key, expression: impl Into<String>) -> Self {
        Self::new(Kind::Update { key, expression: expression.into() })
    }

    pub(super) fn delete(key: Key) -> Self {
        Self::new(Kind::Delete(key))
    }

    /// Adds the condition.
    pub(super) fn when(mut self, condition: impl Into<String>) -> Self {
        self.condition = Some(condition.into());
        self
    }

    /// Gives a placeholder of the condition or the expression its value.
    pub(super) fn bind(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.insert(placeholder.to_owned(), value);
        self
    }

    fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }

    /// The same put with a mark by which its row is known again.
    fn marked(&self) -> Result<Self, StoreError> {
        let mut marked = self.clone();
        if let Kind::Put(row) = &mut marked.kind {
            row.insert("w".to_owned(), number(random()?));
        }
        Ok(marked)
    }

    /// Whether the row that refused a put is the very row to put: then an earlier attempt, whose
    /// answer was lost, has already done it. (A transaction has its token for that.)
    fn stored(&self, found: Option<&Item>) -> bool {
        matches!(&self.kind, Kind::Put(row) if found == Some(row))
    }

    fn transact(&self, table: &str) -> Result<TransactWriteItem, StoreError> {
        let all_old = ReturnValuesOnConditionCheckFailure::AllOld;
        let item = TransactWriteItem::builder();
        let item = match &self.kind {
            Kind::Put(row) => item.put(
                Put::builder()
                    .table_name(table)
                    .set_item(Some(row.clone()))
                    .set_condition_expression(self.condition.clone())
                    .set_expression_attribute_values(self.values())
                    .return_values_on_condition_check_failure(all_old)
                    .build()
                    .map_err(StoreError::unavailable)?,
            ),
            Kind::Update { key, expression } => item.update(
                Update::builder()
                    .table_name(table)
                    .set_key(Some(key.item()))
                    .update_expression(expression)
                    .set_condition_expression(self.condition.clone())
                    .set_expression_attribute_values(self.values())
                    .return_values_on_condition_check_failure(all_old)
                    .build()
                    .map_err(StoreError::unavailable)?,
            ),
            Kind::Delete(key) => item.delete(
                Delete::builder()
                    .table_name(table)
                    .set_key(Some(key.item()))
                    .set_condition_expression(self.condition.clone())
                    .set_expression_attribute_values(self.values())
                    .return_values_on_condition_check_failure(all_old)
                    .build()
                    .map_err(StoreError::unavailable)?,
            ),
        };
        Ok(item.build())
    }
}

impl Store {
    /// Commits all writes or none. Each label says whose condition did not hold.
    pub(super) async fn commit<L: Copy>(
        &self,
        writes: &[(L, Write)],
    ) -> Result<Commit<L>, StoreError> {
        match writes {
            [] => Ok(Commit::Done),
            [(label, write)] => self.commit_one(*label, write).await,
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
            if !reasons.iter().all(|reason| code(reason) == "None" || passes(code(reason))) {
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
                if write.stored(refused.item()) {
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
            Kind::Put(row) => {
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
            Kind::Update { key, expression } => {
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
            Kind::Delete(key) => {
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

//! One conditional write.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};

use super::StoreError;
use super::item::{Item, number};
use super::keys::Key;
use super::retry::random;

/// One write and the condition under which it may happen.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) kind: Kind,
    pub(super) condition: Option<String>,
    values: HashMap<String, AttributeValue>,
}

/// What is written.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Put(Item),
    Update {
        key: Key,
        expression: String,
    },
    Delete(Key),
    /// Nothing: the condition alone, which only a transaction can have.
    Check(Key),
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

    /// Writes nothing, but demands that a row is there.
    pub(super) fn check_exists(key: Key) -> Self {
        Self::new(Kind::Check(key)).when("attribute_exists(pk)")
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

    /// The values of all placeholders.
    pub(super) fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }

    /// The same put with a mark by which its row is known again.
    pub(super) fn marked(&self) -> Result<Self, StoreError> {
        let mut marked = self.clone();
        if let Kind::Put(row) = &mut marked.kind {
            row.insert("w".to_owned(), number(random()?));
        }
        Ok(marked)
    }

    /// Whether the row that refused a put is the very row to put: then an earlier attempt, whose
    /// answer was lost, has already done it. (A transaction has its token for that.)
    pub(super) fn stored(&self, found: Option<&Item>) -> bool {
        matches!(&self.kind, Kind::Put(row) if found == Some(row))
    }

    /// The write as part of a transaction that tells which row refused it.
    pub(super) fn transact(&self, table: &str) -> Result<TransactWriteItem, StoreError> {
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
            Kind::Check(key) => item.condition_check(
                ConditionCheck::builder()
                    .table_name(table)
                    .set_key(Some(key.item()))
                    .set_condition_expression(self.condition.clone())
                    .set_expression_attribute_values(self.values())
                    .build()
                    .map_err(StoreError::unavailable)?,
            ),
        };
        Ok(item.build())
    }
}

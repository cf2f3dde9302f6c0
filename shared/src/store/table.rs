//! Creates the table, for the laptop and the tests. On AWS the template does.

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveSpecification,
};

use super::error::Operation;
use super::keys::{BY_MEMBER, MEMBER, PK, SK, TTL};
use super::{Store, StoreError};

impl Store {
    /// Creates the table unless it exists.
    ///
    /// It has no stream: nothing on a laptop reads one, and the embedded DynamoDB slows down with
    /// every record in it.
    pub async fn create_table(&self) -> Result<(), StoreError> {
        let index = GlobalSecondaryIndex::builder()
            .index_name(BY_MEMBER)
            .key_schema(key(MEMBER, KeyType::Hash)?)
            .key_schema(key(PK, KeyType::Range)?)
            .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
            .build()
            .map_err(unusable)?;
        let created = self
            .client
            .create_table()
            .table_name(&self.table)
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(attribute(PK)?)
            .attribute_definitions(attribute(SK)?)
            .attribute_definitions(attribute(MEMBER)?)
            .key_schema(key(PK, KeyType::Hash)?)
            .key_schema(key(SK, KeyType::Range)?)
            .global_secondary_indexes(index)
            .send()
            .await;
        if let Err(error) = created {
            let exists = error
                .as_service_error()
                .is_some_and(CreateTableError::is_resource_in_use_exception);
            return if exists { Ok(()) } else { Err(StoreError::failed_call(|| CREATE)(error)) };
        }
        self.expire_rows().await
    }

    async fn expire_rows(&self) -> Result<(), StoreError> {
        let specification = TimeToLiveSpecification::builder()
            .attribute_name(TTL)
            .enabled(true)
            .build()
            .map_err(unusable)?;
        self.client
            .update_time_to_live()
            .table_name(&self.table)
            .time_to_live_specification(specification)
            .send()
            .await
            .map_err(StoreError::failed_call(|| CREATE))?;
        Ok(())
    }
}

fn attribute(name: &str) -> Result<AttributeDefinition, StoreError> {
    AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(ScalarAttributeType::S)
        .build()
        .map_err(unusable)
}

fn key(name: &str, key_type: KeyType) -> Result<KeySchemaElement, StoreError> {
    KeySchemaElement::builder().attribute_name(name).key_type(key_type).build().map_err(unusable)
}

fn unusable(error: BuildError) -> StoreError {
    StoreError::unavailable(CREATE, error)
}

const CREATE: Operation = Operation::new("create", "table");

//! Leaves the idempotency token out of transactions.
//!
//! The SDK gives every `TransactWriteItems` a `ClientRequestToken`, by which DynamoDB recognises a
//! transaction that is sent again because its response was lost. The embedded database keeps each
//! token for ten minutes and looks through all of them at every transaction, so that writes slow
//! down with the number of recent writes. A call within this process cannot lose its response and
//! needs no token.

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsInput;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextMut, Input,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::client::ser_de::{SerializeRequest, SharedRequestSerializer};
use aws_smithy_types::config_bag::ConfigBag;

/// Serialises transactions without their token.
///
/// The SDK sets the token in an interceptor of its own, which runs after those of a client. What
/// comes later is the serialisation, so this interceptor wraps the serialiser.
#[derive(Debug)]
pub(super) struct WithoutToken;

impl Intercept for WithoutToken {
    fn name(&self) -> &'static str {
        "WithoutToken"
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context.input().downcast_ref::<TransactWriteItemsInput>().is_some()
            && let Some(inner) = config.load::<SharedRequestSerializer>().cloned()
        {
            let serializer = SharedRequestSerializer::new(Serializer(inner));
            config.interceptor_state().store_put(serializer);
        }
        Ok(())
    }
}

/// Removes the token and passes the request on.
#[derive(Debug)]
struct Serializer(SharedRequestSerializer);

impl SerializeRequest for Serializer {
    fn serialize_input(
        &self,
        mut input: Input,
        config: &mut ConfigBag,
    ) -> Result<HttpRequest, BoxError> {
        if let Some(request) = input.downcast_mut::<TransactWriteItemsInput>() {
            request.client_request_token = None;
        }
        self.0.serialize_input(input, config)
    }
}

//! Sends one call to DynamoDB: counts it for the request that makes it, and asks for the capacity
//! that it consumes while there is such a request.

use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
use aws_sdk_dynamodb::operation::batch_write_item::BatchWriteItemOutput;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemOutput;
use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::operation::put_item::PutItemOutput;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsOutput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemOutput;
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};

use crate::aws::usage::{self, Units};

/// Awaits a call and counts it.
///
/// The future of an SDK call has 16 kB. It is boxed before it becomes part of another future, so
/// that the futures around it stay small.
pub(super) fn send<T: Consumed, E>(
    call: impl Future<Output = Result<T, E>>,
) -> impl Future<Output = Result<T, E>> {
    usage::count_store_call(Box::pin(call), Consumed::units)
}

/// Returns `ReturnConsumedCapacity` for a call that counts.
pub(super) fn wanted_capacity() -> Option<ReturnConsumedCapacity> {
    usage::is_measured().then_some(ReturnConsumedCapacity::Total)
}

/// The output of a call, with the capacity that the call consumed.
pub(super) trait Consumed {
    fn units(&self) -> Units;
}

macro_rules! consumed {
    ($units:ident: $($output:ty),+) => {
        $(impl Consumed for $output {
            fn units(&self) -> Units {
                $units(self.consumed_capacity())
            }
        })+
    };
}

consumed!(read: GetItemOutput, BatchGetItemOutput, QueryOutput);
consumed!(written: PutItemOutput, UpdateItemOutput, DeleteItemOutput, BatchWriteItemOutput);
consumed!(transacted: TransactWriteItemsOutput);

fn read<'a>(consumed: impl IntoIterator<Item = &'a ConsumedCapacity>) -> Units {
    Units { read: total(consumed), write: 0.0 }
}

fn written<'a>(consumed: impl IntoIterator<Item = &'a ConsumedCapacity>) -> Units {
    Units { read: 0.0, write: total(consumed) }
}

fn total<'a>(consumed: impl IntoIterator<Item = &'a ConsumedCapacity>) -> f64 {
    consumed.into_iter().filter_map(ConsumedCapacity::capacity_units).sum()
}

/// Returns both kinds of units: a transaction that the SDK sent twice and DynamoDB knows by its
/// token is billed as reads.
fn transacted(consumed: &[ConsumedCapacity]) -> Units {
    let sum = |units: fn(&ConsumedCapacity) -> Option<f64>| consumed.iter().filter_map(units).sum();
    Units {
        read: sum(ConsumedCapacity::read_capacity_units),
        write: sum(ConsumedCapacity::write_capacity_units),
    }
}

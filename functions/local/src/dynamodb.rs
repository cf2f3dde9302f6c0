//! DynamoDB without a network: the real SDK client on a database in this process.
//!
//! Invariants:
//! - No stream is enabled: in the embedded database, every write to a table with a stream reads all
//!   earlier records of the stream. Events come from the layer above the table.
//! - Reads are always strongly consistent and transactions never conflict, because one lock
//!   serializes them. [`Faults`] injects what AWS does differently.

mod call_log;
mod client;
mod dispatch;
mod faults;
mod without_token;

use std::fmt;
use std::path::Path;

use aws_sdk_dynamodb::Client;
use dynoxide::{Database, DynoxideError};

pub use self::call_log::{Call, CallLog};
pub use self::client::{Endpoint, NoResponseError, client_over};
pub use self::dispatch::dispatch;
pub use self::faults::{Fault, Faults};
use crate::aws_response::AwsResponse;

/// One DynamoDB account and region, in memory or in a file. Clones share it.
#[derive(Clone)]
pub struct Dynamo {
    database: Database,
}

impl Dynamo {
    /// Creates an empty database in memory; it is lost with its last clone.
    pub fn memory() -> Result<Self, OpenDatabaseError> {
        Ok(Self { database: Database::memory()? })
    }

    /// Opens the database in `directory`, which exists. Creates it if there is none.
    ///
    /// An acknowledged write survives the end of the process. It may not survive a power failure:
    /// the log is handed to the operating system, not synced to the disk, which is 20 times faster.
    pub fn open(directory: &Path) -> Result<Self, OpenDatabaseError> {
        let path = directory.join(FILE);
        let path = path.to_str().ok_or(OpenDatabaseError::PathNotUtf8)?;
        let database = Database::new(path)?;
        // Sets `synchronous = NORMAL`; no bulk load is involved.
        database.disable_bulk_loading()?;
        Ok(Self { database })
    }

    /// Returns an SDK client, as production code uses it.
    pub fn client(&self) -> Client {
        client_over(self.clone())
    }

    /// Runs one operation, named as in `x-amz-target` after the dot. Blocks.
    pub fn call(&self, operation: &str, body: &[u8]) -> AwsResponse {
        dispatch(&self.database, operation, body)
    }

    /// Deletes the items whose time to live has passed. Returns their number.
    ///
    /// Blocks; the database is locked for one page of the table at a time.
    pub fn sweep_ttl(&self) -> Result<usize, DynoxideError> {
        self.database.sweep_ttl()
    }
}

impl Endpoint for Dynamo {
    fn call(&self, operation: &str, body: &[u8]) -> Result<AwsResponse, NoResponseError> {
        Ok(Self::call(self, operation, body))
    }

    fn may_lose_responses(&self) -> bool {
        false
    }
}

impl fmt::Debug for Dynamo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dynamo").finish_non_exhaustive()
    }
}

/// The database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenDatabaseError {
    /// The database library accepts UTF-8 paths only.
    #[error("the path of the data directory is not UTF-8")]
    PathNotUtf8,
    /// The file is damaged, locked, or written by a newer version.
    #[error(transparent)]
    Database(#[from] DynoxideError),
}

const FILE: &str = "dynamodb.sqlite";

#[cfg(test)]
mod tests;

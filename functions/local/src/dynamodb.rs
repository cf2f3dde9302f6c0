//! DynamoDB without a network: the real SDK client on a database in this process.
//!
//! Invariants:
//! - No stream is ever switched on: here every write to a table with a stream reads all its
//!   earlier records. Events come from the layer above the table.
//! - Reads are always strongly consistent and transactions never collide, since one lock
//!   serialises them. What AWS does differently is played by [`Faults`].

mod call_log;
mod client;
mod dispatch;
mod faults;

use std::fmt;
use std::path::Path;

use aws_sdk_dynamodb::Client;
use dynoxide::{Database, DynoxideError};

pub use self::call_log::{Call, CallLog};
pub use self::client::{Endpoint, NoAnswer, client_over};
pub use self::dispatch::dispatch;
pub use self::faults::{Fault, Faults};
use crate::answer::Answer;

/// One DynamoDB account and region, in memory or in a file. Clones share it.
#[derive(Clone)]
pub struct Dynamo {
    database: Database,
}

impl Dynamo {
    /// An empty database that is gone with its last clone.
    pub fn memory() -> Result<Self, OpenError> {
        Ok(Self { database: Database::memory()? })
    }

    /// The database in `directory`, which exists; created when it is not there.
    ///
    /// A write that was answered survives a killed process. It may not survive a power cut: the
    /// log is handed to the operating system, not forced to the disk, which is 20 times faster.
    pub fn open(directory: &Path) -> Result<Self, OpenError> {
        let path = directory.join(FILE);
        let path = path.to_str().ok_or(OpenError::PathNotUtf8)?;
        let database = Database::new(path)?;
        // What sets `synchronous = NORMAL` has this name; nothing was loaded in bulk.
        database.disable_bulk_loading()?;
        Ok(Self { database })
    }

    /// The SDK client that production code takes.
    pub fn client(&self) -> Client {
        client_over(self.clone())
    }

    /// Answers one operation, named as in `x-amz-target` after the dot. Blocks while it runs.
    pub fn answer(&self, operation: &str, body: &[u8]) -> Answer {
        dispatch(&self.database, operation, body)
    }

    /// Deletes what has passed its time to live, as DynamoDB does by itself; tells how many items.
    ///
    /// Blocks, a page of the table at a time.
    pub fn sweep_ttl(&self) -> Result<usize, DynoxideError> {
        self.database.sweep_ttl()
    }
}

impl Endpoint for Dynamo {
    fn answer(&self, operation: &str, body: &[u8]) -> Result<Answer, NoAnswer> {
        Ok(self.answer(operation, body))
    }
}

impl fmt::Debug for Dynamo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dynamo").finish_non_exhaustive()
    }
}

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database takes paths as UTF-8.
    #[error("the path of the data directory is not UTF-8")]
    PathNotUtf8,
    /// The file is damaged, locked, or of a newer version.
    #[error(transparent)]
    Database(#[from] DynoxideError),
}

const FILE: &str = "dynamodb.sqlite";

#[cfg(test)]
mod tests;

//! The key of the demo's identity provider, kept from one start to the next.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use shared::idp::{KeyPair, KeyPairFault};

use crate::private_file;

/// The pair that `directory` holds, made when there is none.
pub(super) fn open(directory: Option<&Path>, now: Timestamp) -> Result<KeyPair, KeyError> {
    let Some(directory) = directory else { return Ok(KeyPair::make(NAME, now)?.1) };
    let file = directory.join(FILE);
    if let Some(pem) = private_file::read(&file)? {
        return KeyPair::read(&pem).map_err(KeyError::Damaged);
    }
    let (pem, pair) = KeyPair::make(NAME, now)?;
    private_file::replace(&file, &pem)?;
    Ok(pair)
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// The file cannot be read or written.
    #[error("{FILE}: {0}")]
    File(#[from] io::Error),
    /// The file is not what this program wrote.
    #[error("{FILE} is damaged ({0}); delete it to get a new key")]
    Damaged(KeyPairFault),
    /// No key could be made.
    #[error(transparent)]
    Make(#[from] KeyPairFault),
}

const FILE: &str = "demo-idp.pem";

const NAME: &str = "Gatehouse demo identity provider";

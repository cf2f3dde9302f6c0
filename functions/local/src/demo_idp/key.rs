//! The key of the demo's identity provider, kept from one start to the next.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use shared::built_in_idp::{KeyPair, KeyPairError};

use crate::private_file;

/// The pair that `directory` holds, made when there is none.
pub(super) fn open(directory: Option<&Path>, now: Timestamp) -> Result<KeyPair, IdpKeyError> {
    let Some(directory) = directory else { return Ok(KeyPair::generate(NAME, now)?.1) };
    let file = directory.join(FILE);
    if let Some(pem) = private_file::read(&file)? {
        return KeyPair::from_pem(&pem).map_err(IdpKeyError::Damaged);
    }
    let (pem, pair) = KeyPair::generate(NAME, now)?;
    private_file::replace(&file, &pem)?;
    Ok(pair)
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdpKeyError {
    /// The file cannot be read or written.
    #[error("{FILE}: {0}")]
    File(#[from] io::Error),
    /// The file is not what this program wrote.
    #[error("{FILE} is damaged ({0}); delete it to get a new key")]
    Damaged(KeyPairError),
    /// No key could be made.
    #[error(transparent)]
    Make(#[from] KeyPairError),
}

const FILE: &str = "demo-idp.pem";

const NAME: &str = "Gatehouse demo identity provider";

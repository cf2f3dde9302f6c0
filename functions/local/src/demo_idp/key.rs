//! The signing key of the demo identity provider, kept in a private file between starts.

use std::io;
use std::path::Path;

use jiff::Timestamp;

use crate::private_file;
use shared::built_in_idp::{KeyPair, KeyPairError};

/// Reads the key pair from `directory`, or creates it. Without a directory the pair is always new.
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

/// The key cannot be read or created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IdpKeyError {
    /// The file cannot be read or written.
    #[error("cannot read or write {FILE}")]
    File(#[from] io::Error),
    /// The file is not in the format of this program.
    #[error("{FILE} is damaged, delete it to get a new key")]
    Damaged(#[source] KeyPairError),
    /// The key cannot be generated.
    #[error(transparent)]
    Generate(#[from] KeyPairError),
}

const FILE: &str = "demo-idp.pem";

const NAME: &str = "Gatehouse demo identity provider";

//! The directory that holds everything, used by one process at a time.

use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// A directory that is ours until this is dropped, or the process dies.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Takes `path`, making it first when it is not there, for its owner alone.
    pub(crate) fn take(path: &Path) -> Result<Self, TakeError> {
        let unusable = |source| TakeError::Unusable { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unusable)?;
        let lock = File::create(path.join(LOCK)).map_err(unusable)?;
        // The lock is the operating system's, so that a killed process leaves none behind.
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(TakeError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Why a directory cannot be ours.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TakeError {
    /// Another process has it.
    #[error("{0} is in use by another process; stop that one, or choose another with --data")]
    InUse(PathBuf),
    /// It cannot be made or written to.
    #[error("cannot use {path} for data: {source}; choose another directory with --data")]
    Unusable {
        /// As the user named it.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

const LOCK: &str = "lock";

//! Input of the commands: files, standard input, and confirmations at the keyboard.

use std::fs;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::Path;

use crate::error::Error;

/// Reads a text file; `-` is standard input.
pub(crate) fn read(path: &Path) -> Result<String, Error> {
    let read = if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(path)
    };
    read.map_err(|source| Error::File { path: path.display().to_string(), source })
}

/// Asks for confirmation before an action that cannot be undone: the person types `name`. `yes`
/// skips the question; `consequence` is a sentence about the action.
///
/// # Errors
///
/// [`Error::Usage`] if the person types something else, or if standard input is no terminal.
pub(crate) fn confirm(yes: bool, consequence: &str, name: &str) -> Result<(), Error> {
    if yes {
        return Ok(());
    }
    let unconfirmed =
        || Error::Usage(format!("{consequence} This cannot be undone: confirm with --yes."));
    if !io::stdin().is_terminal() {
        return Err(unconfirmed());
    }
    let mut screen = io::stderr();
    let asked = write!(screen, "{consequence} This cannot be undone.\nType {name} to continue: ");
    asked.and_then(|()| screen.flush()).map_err(|_| unconfirmed())?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|_| unconfirmed())?;
    if line.trim() == name {
        Ok(())
    } else {
        Err(Error::Usage(format!("not confirmed, nothing was changed: type exactly {name}")))
    }
}

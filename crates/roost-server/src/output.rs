//! What commands print: results on standard output, everything else on standard error.

use std::io::{self, IsTerminal as _, Write as _};

use rustix::termios::{self, LocalModes, OptionalActions, Termios};
use serde_json::Value;

/// Prints a line of a result.
///
/// # Errors
///
/// If nobody reads it any more; see [`is_closed`].
pub(crate) fn line(text: impl AsRef<str>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_ref().as_bytes())?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Prints a piece of a text as it comes.
///
/// # Errors
///
/// If nobody reads it any more; see [`is_closed`].
pub(crate) fn piece(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints a value as JSON, for programs.
///
/// # Errors
///
/// If nobody reads it any more; see [`is_closed`].
pub(crate) fn json(value: &Value) -> io::Result<()> {
    line(format!("{value:#}"))
}

/// Prints something beside the result, for people.
pub(crate) fn note(text: impl AsRef<str>) {
    // silent-ok: there is nobody to tell when standard error is closed
    let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
}

/// Prints rows under headings, each column as wide as it needs to be.
///
/// # Errors
///
/// If nobody reads it any more; see [`is_closed`].
pub(crate) fn table<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> io::Result<()> {
    columns(&headings, rows)
}

/// Prints rows under headings, as [`table`] does, where how many columns there are is seen later. Each row has as many
/// cells as there are headings.
///
/// # Errors
///
/// If nobody reads it any more; see [`is_closed`].
pub(crate) fn columns(headings: &[&str], rows: &[impl AsRef<[String]>]) -> io::Result<()> {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.as_ref().get(column)).map(|cell| cell.chars().count());
        cells.chain([headings[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let print = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<_> = cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        line(padded.join("  ").trim_end())
    };
    print(&mut headings.iter().copied())?;
    rows.iter().try_for_each(|row| print(&mut row.as_ref().iter().map(String::as_str)))
}

/// Tells whether a person reads standard output.
pub(crate) fn is_for_a_person() -> bool {
    io::stdout().is_terminal()
}

/// Tells whether standard input is a keyboard.
pub(crate) fn is_keyboard() -> bool {
    io::stdin().is_terminal()
}

/// Tells whether a person sits at the keyboard and reads the answers.
pub(crate) fn is_dialogue() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Asks a question at the keyboard and returns the answer's line, trimmed; `None` when there is no more.
///
/// # Errors
///
/// If the keyboard cannot be read.
pub(crate) fn ask(question: &str) -> io::Result<Option<String>> {
    let mut err = io::stderr().lock();
    err.write_all(question.as_bytes())?;
    err.flush()?;
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer)?;
    Ok((read > 0).then(|| answer.trim().to_owned()))
}

/// Asks a question at the keyboard without showing what is typed; returns the answer's line, as it was typed.
///
/// # Errors
///
/// If it is no keyboard, or Ctrl-C was typed.
pub(crate) async fn ask_hidden(question: &str) -> io::Result<String> {
    // Shows what is typed again when it is dropped.
    let hidden = Hidden::begin()?;
    let mut err = io::stderr().lock();
    err.write_all(question.as_bytes())?;
    err.flush()?;
    drop(err);
    let reading = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).map(|_| answer)
    });
    let answer = tokio::select! {
        read = reading => read.map_err(io::Error::other)?,
        stopped = tokio::signal::ctrl_c() => {
            stopped.and(Err(io::Error::new(io::ErrorKind::Interrupted, "nothing was typed")))
        }
    };
    drop(hidden);
    note("");
    answer
}

/// A keyboard that does not show what is typed, until this is dropped.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> io::Result<Self> {
        let before = termios::tcgetattr(io::stdin())?;
        let mut without = before.clone();
        without.local_modes.remove(LocalModes::ECHO);
        termios::tcsetattr(io::stdin(), OptionalActions::Flush, &without)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // silent-ok: a terminal that is gone shows nothing
        let _ = termios::tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Tells whether something failed only because its reader went away, as in `roost logs | head`.
pub(crate) fn is_closed(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// Returns a text of an answer's field, or a dash.
pub(crate) fn text(value: &Value, field: &str) -> String {
    let value = &value[field];
    match value.as_str() {
        Some(text) => one_line(text),
        None if value.is_null() => "–".to_owned(),
        None => value.to_string(),
    }
}

/// Returns a text without anything that would move the cursor or change the terminal.
pub(crate) fn one_line(text: &str) -> String {
    plain(text).replace(['\n', '\t'], " ")
}

/// Returns a text of others as it is safe to print: control characters but line ends and tabs are shown, not obeyed.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| *c != '\r')
        .map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_does_not_command_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\r\nc\td\u{7}"), "a\u{fffd}[2Jb\nc\td\u{fffd}");
        assert_eq!(one_line("a\nb\tc"), "a b c");
    }
}

//! Looking at files, each time in a thread of its own.

use std::sync::Arc;

use super::Answers;
use crate::files::{Files, read_full, system};
use crate::wire::{ANSWER_MAX, Failure, PIECE, Reply, Request};

/// Answers a request to read, list or search.
pub(super) fn answer(id: u32, request: &Request, files: &Arc<Files>, answers: &Answers) {
    let work = {
        let (files, answers, request) = (Arc::clone(files), answers.clone(), request.clone());
        move || look(id, &request, &files, &answers)
    };
    let thread = std::thread::Builder::new().name("look".to_owned()).stack_size(512 * 1024).spawn(work);
    if thread.is_err() {
        // The commands have used up the machine's processes: then it is done here, while everything else waits.
        look(id, request, files, answers);
    }
}

fn look(id: u32, request: &Request, files: &Files, answers: &Answers) {
    let result = match request {
        Request::Read { path, offset, max } => read(id, files, path, *offset, *max, answers),
        Request::List { path, depth, max } => {
            files.list(path, *depth, *max).and_then(|entries| rows(id, entries, answers))
        }
        Request::Search { path, pattern, max } => {
            files.search(path, pattern, *max).and_then(|matches| rows(id, matches, answers))
        }
        Request::Exec { .. }
        | Request::Credit(_)
        | Request::Cancel
        | Request::Write { .. }
        | Request::Content
        | Request::Dial { .. }
        | Request::Hold(_)
        | Request::Usage => Err(Failure::System(libc::EINVAL)),
    };
    match result {
        Ok(size) => answers.send(id, &Reply::Done { size }, &[]),
        Err(failure) => answers.fail(id, failure),
    }
}

fn read(
    id: u32,
    files: &Files,
    path: &str,
    offset: u64,
    max: u64,
    answers: &Answers,
) -> Result<u64, Failure> {
    let (mut file, size) = files.read(path, offset)?;
    let mut left = usize::try_from(max).unwrap_or(usize::MAX).min(ANSWER_MAX);
    let mut buffer = vec![0; PIECE];
    while left > 0 {
        let most = left.min(PIECE);
        let n = read_full(&mut file, &mut buffer[..most]).map_err(|error| system(&error))?;
        if n > 0 {
            answers.send(id, &Reply::Answer, &buffer[..n]);
        }
        if n < most {
            break;
        }
        left -= n;
    }
    Ok(size)
}

/// Sends a list as JSON, as much of it as an answer may hold.
fn rows<T: serde::Serialize>(id: u32, rows: Vec<T>, answers: &Answers) -> Result<u64, Failure> {
    let mut json = Vec::new();
    for row in rows {
        let before = json.len();
        json.push(if before == 0 { b'[' } else { b',' });
        serde_json::to_writer(&mut json, &row).map_err(|_| Failure::System(libc::EIO))?;
        if json.len() >= ANSWER_MAX {
            json.truncate(before);
            break;
        }
    }
    json.extend_from_slice(if json.is_empty() { b"[]" } else { b"]" });
    json.chunks(PIECE).for_each(|piece| answers.send(id, &Reply::Answer, piece));
    Ok(0)
}

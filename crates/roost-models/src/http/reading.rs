//! Reading a stream of events as an answer.

use std::time::Duration;

use bytes::Bytes;
use eventsource_stream::{EventStream, EventStreamError};
use futures_util::StreamExt;
use roost_domain::conversation::Answer;
use roost_ports::model::{Chunk, Chunks, Error};
use tokio::time::{Instant, timeout, timeout_at};

use super::{BytesOrEnd, Failure, Faults, Last, retry};
use crate::draft::{Decode, Fault, MAX_ANSWER_BYTES};
use crate::options::Timeouts;

/// The most bytes of one stream: every word of an answer comes wrapped, often in a hundred bytes.
const MAX_STREAM_BYTES: usize = 16 * MAX_ANSWER_BYTES;

/// How a stream of bytes ended, if not well.
#[derive(Debug)]
pub(super) enum End {
    /// Nothing came for so long.
    Silent(Duration),
    /// More came than an answer can hold.
    TooLong,
    /// The connection broke.
    Cut,
}

/// An answer that is being read.
pub(super) struct Reading {
    events: EventStream<BytesOrEnd>,
    decoder: Box<dyn Decode>,
    faults: Faults,
}

/// What reading on brought.
enum Step {
    Text(String),
    End(Answer),
}

impl Reading {
    pub(super) fn new(bytes: BytesOrEnd, decoder: Box<dyn Decode>, faults: Faults) -> Self {
        Self { events: EventStream::new(bytes), decoder, faults }
    }

    /// Waits for the first word or call, then hands out the stream.
    pub(super) async fn begin(mut self) -> Result<Chunks, Failure> {
        let first = loop {
            match self.step().await {
                Ok(Step::Text(text)) if text.is_empty() && !self.decoder.begun() => {}
                Ok(first) => break first,
                Err(fault) => return Err(self.failure(&fault)),
            }
        };
        Ok(self.chunks(first).boxed())
    }

    fn failure(&self, fault: &ReadFault) -> Failure {
        let error = self.error(fault);
        match fault {
            ReadFault::Read(Fault::Broken) => Failure { error, passing: true, wait: None },
            ReadFault::Read(Fault::Reported(reported)) => Failure {
                error,
                passing: !reported.lasting && retry::is_passing(reported.status),
                wait: reported.retry_after,
            },
            ReadFault::Read(Fault::Nonsense(_)) | ReadFault::Silent(_) => Failure::lasting(error),
        }
    }

    fn error(&self, fault: &ReadFault) -> Error {
        match fault {
            ReadFault::Silent(silence) => self.faults.timeout(*silence),
            ReadFault::Read(fault) => self.faults.fault(fault),
        }
    }

    fn chunks(mut self, first: Step) -> impl futures_util::Stream<Item = Last> + Send {
        async_stream::stream! {
            let mut step = Ok(first);
            loop {
                match step {
                    Ok(Step::Text(text)) if text.is_empty() => {}
                    Ok(Step::Text(text)) => yield Ok(Chunk::Text(text)),
                    Ok(Step::End(answer)) => {
                        yield Ok(Chunk::End(answer));
                        return;
                    }
                    Err(fault) => {
                        yield Err(self.error(&fault));
                        return;
                    }
                }
                step = self.step().await;
            }
        }
    }

    async fn step(&mut self) -> Result<Step, ReadFault> {
        let event = match self.events.next().await {
            Some(Ok(event)) => event,
            None | Some(Err(EventStreamError::Transport(End::Cut))) => return self.end(),
            Some(Err(EventStreamError::Transport(End::Silent(silence)))) => {
                // A server that forgets to close the connection has still said everything.
                return self.end().map_err(|_| ReadFault::Silent(silence));
            }
            Some(Err(EventStreamError::Transport(End::TooLong))) => {
                return Err(nonsense(format!("a stream of more than {MAX_STREAM_BYTES} bytes")));
            }
            // The stream ended within a character.
            Some(Err(EventStreamError::Utf8(error))) if error.utf8_error().error_len().is_none() => {
                return self.end();
            }
            Some(Err(EventStreamError::Utf8(_))) => return Err(nonsense("bytes that are not UTF-8".into())),
            Some(Err(EventStreamError::Parser(_))) => {
                return Err(nonsense("a line that is not of an event stream".into()));
            }
        };
        let progress = self.decoder.event(&event.data).map_err(ReadFault::Read)?;
        if progress.done { self.end() } else { Ok(Step::Text(progress.text)) }
    }

    fn end(&mut self) -> Result<Step, ReadFault> {
        self.decoder.finish().map(Step::End).map_err(ReadFault::Read)
    }
}

/// Why reading on failed.
enum ReadFault {
    Silent(Duration),
    Read(Fault),
}

fn nonsense(problem: String) -> ReadFault {
    ReadFault::Read(Fault::Nonsense(problem))
}

/// Returns the response's bytes, bounded in size and patience.
pub(super) fn bytes(mut response: reqwest::Response, timeouts: Timeouts) -> BytesOrEnd {
    let stream = async_stream::stream! {
        let deadline = Instant::now() + timeouts.whole;
        let mut patience = timeouts.first_byte;
        let mut received = 0;
        loop {
            let next = match timeout_at(deadline, timeout(patience, response.chunk())).await {
                Err(_) => Err(End::Silent(timeouts.whole)),
                Ok(Err(_)) => Err(End::Silent(patience)),
                Ok(Ok(Err(_))) => Err(End::Cut),
                Ok(Ok(Ok(None))) => return,
                Ok(Ok(Ok(Some(bytes)))) => Ok(bytes),
            };
            patience = timeouts.silence;
            let next: Result<Bytes, End> = next.and_then(|bytes| {
                received += bytes.len();
                if received > MAX_STREAM_BYTES { Err(End::TooLong) } else { Ok(bytes) }
            });
            let ended = next.is_err();
            yield next;
            if ended {
                return;
            }
        }
    };
    stream.boxed()
}

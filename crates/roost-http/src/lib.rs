//! What every face shares: who asks, how often, what went wrong, where a list goes on, how a stream is sent.
//!
//! Imports `roost-domain` and `roost-core`. A face builds a [`Face`], wraps its routes in [`Face::guard`] and the
//! whole in [`Face::finish`], and says in one function how its errors look ([`Shape`]). Its handlers take
//! [`Caller`], [`Json`], [`Query`] and [`Segment`], make one call into the core, and return a [`Failure`] for
//! whatever goes wrong.

mod context;
mod cors;
mod cursor;
mod document;
mod explain;
mod face;
mod failure;
mod json;
mod patient;
mod query;
mod rate;
mod request_id;
mod segment;
mod since;
mod sse;
mod time;
mod whole_body;

pub use context::Caller;
pub use cors::{Cors, InvalidOrigin};
pub use cursor::{read_cursor, write_cursor};
pub use document::Document;
pub use face::{Face, Options, Shape};
pub use failure::Failure;
pub use json::{Json, OptionalJson, allow_body};
pub use patient::Patient;
pub use query::Query;
pub use rate::{Limiter, Limits, Standing};
pub use segment::Segment;
pub use since::since;
pub use sse::{HEARTBEAT, LastEventId, event_stream};
pub use time::{iso, iso_if};
pub use whole_body::WholeBody;

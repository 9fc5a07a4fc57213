//! The queries, one file per noun, over one transaction of one connection.
//!
//! Texts are lower case, name their columns and number their placeholders in order of first appearance (SQLite
//! takes `$2` for a name and numbers by appearance), so that they can serve PostgreSQL too. Lists begin after a
//! cursor by comparing whole keys; [`LAST_TIME`] and [`LAST_ID`] stand for "from the beginning".

use jiff::Timestamp;
use roost_ports::random::Id;
use roost_ports::store::Error;
use rusqlite::types::FromSql;
use rusqlite::{Connection, ErrorCode, Params, Row, ffi};
use uuid::Uuid;

mod account;
mod agent;
mod approval;
mod artifact;
mod connection;
mod document;
mod event;
mod guard;
mod job;
mod key;
mod knowledge;
mod model_call;
mod response;
mod run;
mod sandbox;
mod scan;
mod secret;
mod session;
mod skill;
mod snapshot;
mod swarm;
mod trigger;
mod turn;
mod usage;
mod webhook;
mod workflow;

/// Comes after every time there is.
const LAST_TIME: i64 = i64::MAX;

/// Comes after every id there is.
const LAST_ID: [u8; 16] = [0xff; 16];

/// What a query is about, as its errors call it.
#[derive(Clone, Copy)]
struct Noun {
    name: &'static str,
    reading: &'static str,
    writing: &'static str,
}

macro_rules! noun {
    ($name:literal) => {
        $crate::sqlite::Noun {
            name: $name,
            reading: concat!("read the ", $name),
            writing: concat!("write the ", $name),
        }
    };
}
use noun;

/// The queries, bound to a connection on which a transaction has begun. Implements every reader and writer
/// trait of the port; that a reader changes nothing is held by its connection, which is read-only.
pub(crate) struct Tx<'c> {
    connection: &'c Connection,
}

impl<'c> Tx<'c> {
    pub(crate) const fn new(connection: &'c Connection) -> Self {
        Self { connection }
    }

    /// Returns the first row, if there is one.
    fn first<T>(
        &self,
        noun: Noun,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&mut Columns<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let failed = |source| failed(noun.reading, source);
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let mut rows = statement.query(params).map_err(failed)?;
        match rows.next().map_err(failed)? {
            Some(row) => Ok(Some(read(&mut Columns { row, what: noun.name, next: 0 })?)),
            None => Ok(None),
        }
    }

    /// Returns the only row of a query that always has one.
    fn only<T>(
        &self,
        noun: Noun,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&mut Columns<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.first(noun, sql, params, read)?
            .ok_or_else(|| failed(noun.reading, rusqlite::Error::QueryReturnedNoRows))
    }

    /// Returns all rows.
    fn all<T>(
        &self,
        noun: Noun,
        sql: &str,
        params: impl Params,
        read: impl Fn(&mut Columns<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let failed = |source| failed(noun.reading, source);
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let mut rows = statement.query(params).map_err(failed)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            all.push(read(&mut Columns { row, what: noun.name, next: 0 })?);
        }
        Ok(all)
    }

    /// Changes rows and returns how many.
    fn change(&self, noun: Noun, sql: &str, params: impl Params) -> Result<usize, Error> {
        // On a full disk and the like SQLite ends the transaction by itself; nothing may be written outside one.
        if self.connection.is_autocommit() {
            return Err(failed(noun.writing, TransactionOver));
        }
        let mut statement =
            self.connection.prepare_cached(sql).map_err(|source| failed(noun.writing, source))?;
        statement.execute(params).map_err(|source| {
            if source.sqlite_error().is_some_and(is_taken) {
                Error::Exists { what: noun.name }
            } else {
                failed(noun.writing, source)
            }
        })
    }

    /// Changes exactly one row, which the caller has seen in this transaction.
    fn change_one(&self, noun: Noun, sql: &str, params: impl Params) -> Result<(), Error> {
        match self.change(noun, sql, params)? {
            1 => Ok(()),
            rows => Err(failed(noun.writing, rusqlite::Error::StatementChangedRows(rows))),
        }
    }
}

/// An earlier failure has ended the transaction.
#[derive(Debug, thiserror::Error)]
#[error("the transaction was ended by an earlier failure")]
struct TransactionOver;

/// Tells whether a key or a unique column was taken, which is the caller's doing and no failure.
fn is_taken(error: &ffi::Error) -> bool {
    error.code == ErrorCode::ConstraintViolation
        && matches!(
            error.extended_code,
            ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_ROWID
        )
}

fn failed(act: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Database { act, source: source.into() }
}

fn corrupt(what: &'static str, problem: impl std::fmt::Display) -> Error {
    Error::Corrupt { what, problem: problem.to_string() }
}

/// The columns of a row, taken one after the other in the order in which the query names them.
struct Columns<'r> {
    row: &'r Row<'r>,
    what: &'static str,
    next: usize,
}

impl Columns<'_> {
    fn take<T: FromSql>(&mut self) -> Result<T, Error> {
        let index = self.next;
        self.next += 1;
        self.row.get(index).map_err(|error| corrupt(self.what, error))
    }

    fn id<I: Id>(&mut self) -> Result<I, Error> {
        Ok(I::from_uuid(Uuid::from_bytes(self.take()?)))
    }

    fn id_if_any<I: Id>(&mut self) -> Result<Option<I>, Error> {
        let bytes: Option<[u8; 16]> = self.take()?;
        Ok(bytes.map(|bytes| I::from_uuid(Uuid::from_bytes(bytes))))
    }

    fn time(&mut self) -> Result<Timestamp, Error> {
        let micros = self.take()?;
        Timestamp::from_microsecond(micros).map_err(|error| corrupt(self.what, error))
    }

    fn time_if_any(&mut self) -> Result<Option<Timestamp>, Error> {
        let micros: Option<i64> = self.take()?;
        micros.map(Timestamp::from_microsecond).transpose().map_err(|error| corrupt(self.what, error))
    }

    fn count(&mut self) -> Result<u64, Error> {
        u64::try_from(self.take::<i64>()?).map_err(|error| corrupt(self.what, error))
    }

    /// Reads a text into whatever it names.
    fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(&mut self) -> Result<T, Error> {
        self.take::<String>()?.parse().map_err(|error| corrupt(self.what, error))
    }

    /// Reads a text that is the name of one of a few things.
    fn named<T: Copy>(&mut self, all: &[T], name: impl Fn(T) -> &'static str) -> Result<T, Error> {
        let text = self.take::<String>()?;
        named(self.what, &text, all, name)
    }

    fn json<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, Error> {
        let text = self.take::<String>()?;
        serde_json::from_str(&text).map_err(|error| corrupt(self.what, error))
    }
}

fn named<T: Copy>(
    what: &'static str,
    text: &str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T, Error> {
    all.iter()
        .copied()
        .find(|one| name(*one) == text)
        .ok_or_else(|| corrupt(what, format_args!("{text:?} is not known")))
}

/// A whole number as the database keeps it.
fn signed(noun: Noun, number: u64) -> Result<i64, Error> {
    i64::try_from(number).map_err(|error| failed(noun.writing, error))
}

fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// The time as it will be read back.
fn to_microsecond(time: Timestamp) -> Timestamp {
    // silent-ok: a count of microseconds taken from a timestamp is always within a timestamp's range.
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

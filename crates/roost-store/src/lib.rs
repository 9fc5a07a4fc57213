//! The store on SQLite: migrations, and one file of queries per noun.
//!
//! Implements `roost_ports::store::Store` and `roost_ports::vault::Vault`; imports the domain and the ports. SQL
//! lives only here. Start at [`Database`] (one writer thread with group commit, readers in place); the queries
//! stand in `sqlite/`, one file per noun of the port, and what is stored as JSON in `record/`. [`DataDir`] makes
//! sure that one server owns a data directory; [`MasterKey`] and [`SealedVault`] keep the secrets.
//!
//! Times are kept to the microsecond: what is finer is cut off.

mod data_dir;
mod database;
mod master_key;
mod migration;
mod record;
mod sqlite;
mod vault;

#[cfg(test)]
mod conformance;

pub use data_dir::{ClaimError, DataDir};
pub use database::{Database, OpenError, Options, Stats};
pub use master_key::{InvalidMasterKey, MasterKey, MasterKeyError};
pub use vault::SealedVault;

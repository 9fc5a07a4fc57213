use jiff::Timestamp;
use roost_domain::id::{AccountId, ScanId};
use roost_ports::store::{Error, Scan, Scans, ScansMut};
use rusqlite::params;

use super::{Columns, Noun, Tx, corrupt, failed, micros, noun, signed};
use crate::record::report;

const SCAN: Noun = noun!("scan");

impl Scans for Tx<'_> {
    fn scan(&self, account: AccountId, id: ScanId) -> Result<Option<Scan>, Error> {
        self.first(
            SCAN,
            "select id, account_id, hash, report, took_ms, created_at from scans where id = $1 and account_id = $2",
            params![id.uuid().as_bytes(), account.uuid().as_bytes()],
            scan,
        )
    }

    fn scan_of_any_account(&self, id: ScanId) -> Result<Option<Scan>, Error> {
        self.first(
            SCAN,
            "select id, account_id, hash, report, took_ms, created_at from scans where id = $1",
            params![id.uuid().as_bytes()],
            scan,
        )
    }

    fn scan_by_hash(&self, account: AccountId, hash: &[u8; 32]) -> Result<Option<Scan>, Error> {
        self.first(
            SCAN,
            "select id, account_id, hash, report, took_ms, created_at from scans
             where account_id = $1 and hash = $2 order by created_at desc limit 1",
            params![account.uuid().as_bytes(), hash],
            scan,
        )
    }
}

impl ScansMut for Tx<'_> {
    fn insert_scan(&mut self, scan: &Scan) -> Result<(), Error> {
        let report = report::encode(&scan.report).map_err(|error| failed(SCAN.writing, error))?;
        self.change_one(
            SCAN,
            "insert into scans (id, account_id, hash, report, took_ms, created_at)
             values ($1, $2, $3, $4, $5, $6)",
            params![
                scan.id.uuid().as_bytes(),
                scan.account.uuid().as_bytes(),
                scan.hash,
                report,
                signed(SCAN, scan.took_ms)?,
                micros(scan.created_at),
            ],
        )
    }

    fn remove_scans(&mut self, account: AccountId, before: Timestamp) -> Result<u64, Error> {
        let removed = self.change(
            SCAN,
            "delete from scans where account_id = $1 and created_at < $2",
            params![account.uuid().as_bytes(), micros(before)],
        )?;
        Ok(removed as u64)
    }
}

fn scan(columns: &mut Columns<'_>) -> Result<Scan, Error> {
    Ok(Scan {
        id: columns.id()?,
        account: columns.id()?,
        hash: columns.take()?,
        report: report::decode(&columns.take::<String>()?).map_err(|error| corrupt(SCAN.name, error))?,
        took_ms: columns.count()?,
        created_at: columns.time()?,
    })
}

//! Scans: what is wrong with code, found once and looked up after that.

use std::time::Duration;

use roost_domain::id::ScanId;
use roost_domain::key::Scope;
use roost_domain::plan::Metered;
use roost_domain::scan::{Framework, Report};
use roost_ports::scanner::SourceFile;
use roost_ports::store::{Reader, Scan, Writer};
use sha2::{Digest, Sha256};

use crate::{Core, Ctx, Error, Kind};

/// The use cases of scans.
pub struct Scans<'a>(pub(crate) &'a Core);

/// Code to be scanned.
#[derive(Debug, Clone)]
pub struct ScanCode {
    /// The code.
    pub code: Code,
    /// What it is written for.
    pub framework: Option<Framework>,
}

/// What is scanned.
#[derive(Debug, Clone)]
pub enum Code {
    /// One text, in whatever language.
    Snippet(String),
    /// One file, whose name says what it is.
    File(String, String),
    /// A zip archive.
    Archive(Vec<u8>),
}

/// The longest text that is scanned, in bytes.
const LONGEST_SNIPPET: usize = 100 * 1024;

/// The largest archive that is scanned, in bytes.
const LARGEST_ARCHIVE: usize = 10 * 1024 * 1024;

impl Scans<'_> {
    /// Scans code. Exactly the same code, scanned before under the same rules, gives the same scan.
    ///
    /// # Errors
    ///
    /// `TooLarge` with the code `scan_failed` for code of more than 100 KiB or an archive of more than 10 MiB;
    /// `InvalidInput` with the code `scan_failed` for an archive that is refused; `RateLimited` when the plan's
    /// scans are used up.
    pub async fn scan(&self, ctx: &Ctx, scan: ScanCode) -> Result<Scan, Error> {
        ctx.require(Scope::Scans)?;
        scan.code.check()?;
        let hash = scan.hash(self.0.ports.scanner.version());
        let counted = self.0.count(ctx, Metered::Scan).await?;
        let account = ctx.account();
        let read = move |reader: &dyn Reader| Ok::<_, Error>(reader.scan_by_hash(account, &hash)?);
        if let Some(known) = self.0.ports.store.read(read).await? {
            let ctx = ctx.clone();
            let write = move |writer: &mut dyn Writer| counted.write(writer, &ctx);
            self.0.ports.store.write(write).await?;
            return Ok(known);
        }
        let before = self.0.now();
        let report = self.0.look_through(scan).await?;
        let took = self.0.now().duration_since(before);
        let scan = Scan {
            id: self.0.ports.random.id::<ScanId>(ctx.now),
            account,
            hash,
            report,
            took_ms: u64::try_from(took.as_millis()).unwrap_or(0),
            created_at: ctx.now,
        };
        let (ctx, written) = (ctx.clone(), scan.clone());
        let write = move |writer: &mut dyn Writer| {
            counted.write(writer, &ctx)?;
            writer.insert_scan(&written)?;
            Ok::<_, Error>(())
        };
        self.0.ports.store.write(write).await?;
        Ok(scan)
    }

    /// Returns a scan.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn get(&self, ctx: &Ctx, id: ScanId) -> Result<Scan, Error> {
        ctx.require(Scope::Scans)?;
        let account = ctx.account();
        let read =
            move |reader: &dyn Reader| reader.scan(account, id)?.ok_or_else(|| Error::not_found("scan", id));
        self.0.ports.store.read(read).await
    }

    /// Returns a scan to anybody who knows its id, for its badge.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn badge(&self, id: ScanId) -> Result<Report, Error> {
        let read = move |reader: &dyn Reader| {
            let scan = reader.scan_of_any_account(id)?;
            scan.map(|scan| scan.report).ok_or_else(|| Error::not_found("badge", id))
        };
        self.0.ports.store.read(read).await
    }

    /// Removes scans that the plan does not keep any longer, and forgets what was counted before the last day.
    ///
    /// # Errors
    ///
    /// `Internal` if the store fails.
    pub async fn expire(&self) -> Result<u64, Error> {
        let now = self.0.now();
        let core = self.0.clone();
        let expire = move |writer: &mut dyn Writer| {
            writer.forget_metered(now - Duration::from_secs(24 * 60 * 60))?;
            let mut removed = 0;
            for account in writer.accounts()? {
                let plan = core.settings.plans.of(account.plan.as_deref());
                if let Some(retention) = plan.allowance.scan_retention {
                    removed += writer.remove_scans(account.id, now - retention)?;
                }
            }
            Ok::<_, Error>(removed)
        };
        self.0.ports.store.write(expire).await
    }
}

impl Core {
    /// Scans off the threads that answer requests.
    async fn look_through(&self, scan: ScanCode) -> Result<Report, Error> {
        let scanner = self.ports.scanner.clone();
        // Held by the work, which goes on when its caller has given up.
        let place = self.scanning.clone().acquire_owned().await.map_err(Error::internal)?;
        let work = move || {
            let _place = place;
            let files = match scan.code {
                Code::Snippet(code) => vec![SourceFile { path: String::new(), content: code.into_bytes() }],
                Code::File(path, code) => vec![SourceFile { path, content: code.into_bytes() }],
                Code::Archive(bytes) => scanner.unpack(&bytes).map_err(|error| {
                    Error::new(Kind::InvalidInput, "scan_failed", error.to_string()).caused_by(error)
                })?,
            };
            Ok(scanner.scan(&files, scan.framework))
        };
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
    }
}

impl Code {
    fn check(&self) -> Result<(), Error> {
        let too_large = |message: &str| Err(Error::new(Kind::TooLarge, "scan_failed", message));
        match self {
            Self::Snippet(code) | Self::File(_, code) if code.len() > LONGEST_SNIPPET => {
                too_large("Code too large to scan (max 100KB)")
            }
            Self::Snippet(code) | Self::File(_, code) if code.trim().is_empty() => {
                Err(Error::invalid("code", "must not be empty"))
            }
            Self::Archive(bytes) if bytes.len() > LARGEST_ARCHIVE => {
                too_large("Archive too large to scan (max 10MB)")
            }
            Self::Snippet(_) | Self::File(..) | Self::Archive(_) => Ok(()),
        }
    }
}

impl ScanCode {
    fn hash(&self, rules: &str) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let framework = self.framework.map_or("", Framework::name);
        let (kind, name, code): (&str, &str, &[u8]) = match &self.code {
            Code::Snippet(code) => ("snippet", "", code.as_bytes()),
            Code::File(path, code) => ("file", path, code.as_bytes()),
            Code::Archive(bytes) => ("archive", "", bytes),
        };
        for part in [rules.as_bytes(), framework.as_bytes(), kind.as_bytes(), name.as_bytes(), code] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        hasher.finalize().into()
    }
}

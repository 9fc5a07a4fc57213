//! What is wrong with skills: found once for each content.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use roost_domain::scan::Report;
use roost_domain::skill::PackageHash;
use roost_ports::skills::Package;

use super::{Skills, sources};
use crate::Error;

/// How many reports are remembered.
const MOST: usize = 4_000;

/// What was found in packages that this process has looked at. The rules do not change while it runs.
#[derive(Default)]
pub(crate) struct Reports(Mutex<HashMap<PackageHash, Arc<Report>>>);

impl Reports {
    fn get(&self, hash: PackageHash) -> Option<Arc<Report>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned()
    }

    fn put(&self, hash: PackageHash, report: Arc<Report>) {
        let mut reports = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if reports.len() >= MOST {
            reports.clear();
        }
        reports.insert(hash, report);
    }
}

impl Skills<'_> {
    /// Scans a package, off the threads that answer requests.
    pub(super) async fn report(&self, package: &Package) -> Result<Report, Error> {
        let hash = package.hash();
        if let Some(known) = self.0.skill_reports.get(hash) {
            return Ok((*known).clone());
        }
        let scanner = self.0.ports.scanner.clone();
        // Held by the work, which goes on when its caller has given up.
        let place = self.0.scanning.clone().acquire_owned().await.map_err(Error::internal)?;
        let files = sources(package);
        let work = move || {
            let _place = place;
            scanner.scan(&files, None)
        };
        let report = Arc::new(tokio::task::spawn_blocking(work).await.map_err(Error::internal)?);
        self.0.skill_reports.put(hash, Arc::clone(&report));
        Ok((*report).clone())
    }
}

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use roost_domain::skill::{SkillId, SkillVersion};
use roost_ports::skills::{
    CatalogSkill, Draft, Package, PackageError, RegistrySkill, SkillSources, SourceError,
};

use crate::catalog::Catalog;
use crate::frontmatter::{self, Naming};
use crate::package::pack;
use crate::registry::{Registry, RegistryOptions};
use crate::unzip::unzip;

/// Where skills come from.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder of the server's own catalog; skills stand in it, or in its folder `skills`.
    pub catalog: Option<PathBuf>,
    /// Whether the skills that are built in belong to the catalog.
    pub starter: bool,
    /// The public registry; `None` does without.
    pub registry: Option<RegistryOptions>,
}

/// The sources of skills.
pub struct Skills {
    catalog: Arc<Catalog>,
    registry: Option<Registry>,
}

impl Skills {
    /// Creates the sources. Nothing is read or connected before it is asked for.
    pub fn new(options: Options) -> Self {
        Self {
            catalog: Arc::new(Catalog::new(options.catalog, options.starter)),
            registry: options.registry.map(Registry::new),
        }
    }

    fn registry(&self) -> Result<&Registry, SourceError> {
        let off = || SourceError::Refused("this server is configured to do without it".to_owned());
        self.registry.as_ref().ok_or_else(off)
    }
}

#[async_trait]
impl SkillSources for Skills {
    fn pack(&self, files: Vec<(String, Vec<u8>)>) -> Result<Package, PackageError> {
        pack(files, Naming::Strict)
    }

    fn unpack(&self, zip: &[u8]) -> Result<Package, PackageError> {
        pack(unzip(zip)?, Naming::Strict)
    }

    fn write(&self, draft: &Draft) -> Vec<u8> {
        frontmatter::write(draft)
    }

    async fn catalog(&self) -> Result<Arc<Vec<CatalogSkill>>, SourceError> {
        let catalog = Arc::clone(&self.catalog);
        let read = tokio::task::spawn_blocking(move || catalog.skills()).await;
        read.map_err(|error| SourceError::Catalog(error.to_string()))?
    }

    async fn search(&self, words: &str, limit: u32) -> Result<Vec<RegistrySkill>, SourceError> {
        self.registry()?.search(words, limit).await
    }

    async fn look_up(&self, id: &SkillId) -> Result<Option<RegistrySkill>, SourceError> {
        self.registry()?.look_up(id).await
    }

    async fn download(&self, id: &SkillId, version: &SkillVersion) -> Result<Option<Package>, SourceError> {
        let Some(zip) = self.registry()?.download(id, version).await? else { return Ok(None) };
        let files = unzip(&zip).map_err(SourceError::Package)?;
        pack(files, Naming::Lenient).map(Some).map_err(SourceError::Package)
    }
}

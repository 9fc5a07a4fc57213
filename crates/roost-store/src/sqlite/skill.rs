use std::collections::BTreeMap;

use jiff::Timestamp;
use roost_domain::approval::Status;
use roost_domain::id::{AccountId, AgentId};
use roost_domain::scan::TrustScore;
use roost_domain::skill::{
    InstalledSkill, PackageHash, Placement, SkillId, SkillPath, SkillVersion, TrustLevel,
};
use roost_ports::store::{CustomVersion, Error, KeptPackage, Skills, SkillsMut};
use rusqlite::params;

use super::{Columns, Noun, Tx, corrupt, failed, micros, named, noun};
use crate::record::{report, skill as details};

const PACKAGE: Noun = noun!("skill's package");
const CUSTOM: Noun = noun!("custom skill");
const INSTALLED: Noun = noun!("installed skill");

/// Stands for whoever a skill is not especially for.
const NOBODY: [u8; 16] = [0; 16];

impl Skills for Tx<'_> {
    fn skill_package(&self, hash: PackageHash) -> Result<Option<KeptPackage>, Error> {
        self.first(
            PACKAGE,
            "select details, report, rules from skill_packages where hash = $1",
            params![hash.0],
            |columns| {
                let (about, manifest) = details::decode(&columns.take::<String>()?)
                    .map_err(|error| corrupt(PACKAGE.name, error))?;
                let report = report::decode(&columns.take::<String>()?)
                    .map_err(|error| corrupt(PACKAGE.name, error))?;
                Ok(KeptPackage { about, manifest, report, rules: columns.take()? })
            },
        )
    }

    fn skill_file(&self, hash: PackageHash, path: &SkillPath) -> Result<Option<Vec<u8>>, Error> {
        self.first(
            PACKAGE,
            "select content from skill_files where package = $1 and path = $2",
            params![hash.0, path.as_str()],
            |columns| columns.take(),
        )
    }

    fn custom_skills(&self, account: AccountId) -> Result<Vec<CustomVersion>, Error> {
        self.all(
            CUSTOM,
            "select account_id, skill_id, version, title, package, created_at from custom_skills as latest
             where account_id = $1 and number = (
                 select max(number) from custom_skills
                 where account_id = latest.account_id and skill_id = latest.skill_id)
             order by skill_id limit 1000",
            params![account.uuid().as_bytes()],
            custom,
        )
    }

    fn custom_versions(&self, account: AccountId, skill: &SkillId) -> Result<Vec<CustomVersion>, Error> {
        self.all(
            CUSTOM,
            "select account_id, skill_id, version, title, package, created_at from custom_skills
             where account_id = $1 and skill_id = $2 order by number desc limit 1000",
            params![account.uuid().as_bytes(), skill.as_str()],
            custom,
        )
    }

    fn installed_skills(&self, agent: AgentId) -> Result<Vec<InstalledSkill>, Error> {
        self.all(
            INSTALLED,
            "select i.id, i.account_id, i.agent_id, i.skill_id, i.trust, i.title, i.description, i.version, i.package,
                    i.score, i.enabled, i.approval_id, a.status, i.installed_at, i.updated_at
             from installed_skills as i left join approvals as a on a.id = i.approval_id
             where i.agent_id = $1 order by i.installed_at, i.skill_id limit 1000",
            params![agent.uuid().as_bytes()],
            installed,
        )
    }

    fn skill_installs(&self, trust: TrustLevel, account: AccountId) -> Result<BTreeMap<SkillId, u64>, Error> {
        let rows = self.all(
            INSTALLED,
            "select skill_id, installs from skill_installs where trust = $1 and account_id = $2 limit 100000",
            params![trust.name(), owner(trust, account)],
            |columns| Ok((columns.parsed()?, columns.count()?)),
        )?;
        Ok(rows.into_iter().collect())
    }

    fn placed_skills(&self, agent: AgentId) -> Result<Option<Placement>, Error> {
        self.first(
            INSTALLED,
            "select placement from placed_skills where agent_id = $1",
            params![agent.uuid().as_bytes()],
            |columns| columns.take().map(Placement),
        )
    }
}

impl SkillsMut for Tx<'_> {
    fn put_skill_package(
        &mut self,
        package: &KeptPackage,
        contents: &[(SkillPath, Vec<u8>)],
        now: Timestamp,
    ) -> Result<(), Error> {
        let hash = package.manifest.hash();
        let report = report::encode(&package.report).map_err(|error| failed(PACKAGE.writing, error))?;
        let known = self.change(
            PACKAGE,
            "update skill_packages set report = $1, rules = $2 where hash = $3",
            params![report, package.rules, hash.0],
        )?;
        if known > 0 {
            return Ok(());
        }
        let details = details::encode(&package.about, &package.manifest)
            .map_err(|error| failed(PACKAGE.writing, error))?;
        self.change_one(
            PACKAGE,
            "insert into skill_packages (hash, details, report, rules, created_at) values ($1, $2, $3, $4, $5)",
            params![hash.0, details, report, package.rules, micros(now)],
        )?;
        for (path, content) in contents {
            self.change_one(
                PACKAGE,
                "insert into skill_files (package, path, content) values ($1, $2, $3)",
                params![hash.0, path.as_str(), content],
            )?;
        }
        Ok(())
    }

    fn drop_skill_package(&mut self, hash: PackageHash) -> Result<(), Error> {
        let custom = self.first(
            PACKAGE,
            "select 1 from custom_skills where package = $1 limit 1",
            params![hash.0],
            |columns| columns.take::<i64>(),
        )?;
        let installed = self.first(
            PACKAGE,
            "select 1 from installed_skills where package = $1 limit 1",
            params![hash.0],
            |columns| columns.take::<i64>(),
        )?;
        if custom.is_none() && installed.is_none() {
            self.change(PACKAGE, "delete from skill_files where package = $1", params![hash.0])?;
            self.change(PACKAGE, "delete from skill_packages where hash = $1", params![hash.0])?;
        }
        Ok(())
    }

    fn insert_custom_version(&mut self, version: &CustomVersion) -> Result<(), Error> {
        self.change_one(
            CUSTOM,
            "insert into custom_skills (account_id, skill_id, version, number, title, package, created_at)
             values ($1, $2, $3,
                 (select coalesce(max(number), 0) + 1 from custom_skills where account_id = $1 and skill_id = $2),
                 $4, $5, $6)",
            params![
                version.account.uuid().as_bytes(),
                version.skill.as_str(),
                version.version.to_string(),
                version.title,
                version.package.0,
                micros(version.created_at),
            ],
        )
    }

    fn delete_custom_version(
        &mut self,
        account: AccountId,
        skill: &SkillId,
        version: &SkillVersion,
    ) -> Result<bool, Error> {
        let removed = self.change(
            CUSTOM,
            "delete from custom_skills where account_id = $1 and skill_id = $2 and version = $3",
            params![account.uuid().as_bytes(), skill.as_str(), version.to_string()],
        )?;
        Ok(removed > 0)
    }

    fn insert_installed_skill(&mut self, skill: &InstalledSkill) -> Result<(), Error> {
        self.change_one(
            INSTALLED,
            "insert into installed_skills (
                 id, account_id, agent_id, skill_id, trust, title, description, version, package, score, enabled,
                 approval_id, installed_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            params![
                skill.id.uuid().as_bytes(),
                skill.account.uuid().as_bytes(),
                skill.agent.uuid().as_bytes(),
                skill.skill.as_str(),
                skill.trust.name(),
                skill.title,
                skill.description,
                skill.version.to_string(),
                skill.package.0,
                skill.score.get(),
                skill.enabled,
                skill.approval.map(|(id, _)| id.uuid().into_bytes()),
                micros(skill.installed_at),
                micros(skill.updated_at),
            ],
        )?;
        self.change(
            INSTALLED,
            "insert into skill_installs (trust, account_id, skill_id, installs) values ($1, $2, $3, 1)
             on conflict (trust, account_id, skill_id) do update set installs = installs + 1",
            params![skill.trust.name(), owner(skill.trust, skill.account), skill.skill.as_str()],
        )?;
        Ok(())
    }

    fn update_installed_skill(&mut self, skill: &InstalledSkill) -> Result<(), Error> {
        self.change_one(
            INSTALLED,
            "update installed_skills
             set title = $1, description = $2, version = $3, package = $4, score = $5, enabled = $6, approval_id = $7,
                 updated_at = $8
             where id = $9",
            params![
                skill.title,
                skill.description,
                skill.version.to_string(),
                skill.package.0,
                skill.score.get(),
                skill.enabled,
                skill.approval.map(|(id, _)| id.uuid().into_bytes()),
                micros(skill.updated_at),
                skill.id.uuid().as_bytes(),
            ],
        )
    }

    fn delete_installed_skill(&mut self, agent: AgentId, skill: &SkillId) -> Result<bool, Error> {
        let removed = self.change(
            INSTALLED,
            "delete from installed_skills where agent_id = $1 and skill_id = $2",
            params![agent.uuid().as_bytes(), skill.as_str()],
        )?;
        Ok(removed > 0)
    }

    fn place_skills(&mut self, agent: AgentId, placement: Option<Placement>) -> Result<(), Error> {
        let agent = agent.uuid().into_bytes();
        self.change(INSTALLED, "delete from placed_skills where agent_id = $1", params![agent])?;
        if let Some(Placement(placement)) = placement {
            self.change_one(
                INSTALLED,
                "insert into placed_skills (agent_id, placement) values ($1, $2)",
                params![agent, placement],
            )?;
        }
        Ok(())
    }
}

impl Tx<'_> {
    /// Removes all skills of an agent, with the packages that nobody else uses.
    pub(super) fn delete_skills(&mut self, agent: AgentId) -> Result<(), Error> {
        for skill in self.installed_skills(agent)? {
            self.delete_installed_skill(agent, &skill.skill)?;
            self.drop_skill_package(skill.package)?;
        }
        Ok(())
    }
}

/// Only what an account made is counted by account.
fn owner(trust: TrustLevel, account: AccountId) -> [u8; 16] {
    match trust {
        TrustLevel::Custom => account.uuid().into_bytes(),
        TrustLevel::Verified | TrustLevel::Community => NOBODY,
    }
}

fn custom(columns: &mut Columns<'_>) -> Result<CustomVersion, Error> {
    Ok(CustomVersion {
        account: columns.id()?,
        skill: columns.parsed()?,
        version: columns.parsed()?,
        title: columns.take()?,
        package: PackageHash(columns.take()?),
        created_at: columns.time()?,
    })
}

fn installed(columns: &mut Columns<'_>) -> Result<InstalledSkill, Error> {
    Ok(InstalledSkill {
        id: columns.id()?,
        account: columns.id()?,
        agent: columns.id()?,
        skill: columns.parsed()?,
        trust: columns.named(&TrustLevel::ALL, TrustLevel::name)?,
        title: columns.take()?,
        description: columns.take()?,
        version: columns.parsed()?,
        package: PackageHash(columns.take()?),
        score: TrustScore::from_number(columns.take()?),
        enabled: columns.take()?,
        approval: approval(columns)?,
        installed_at: columns.time()?,
        updated_at: columns.time()?,
    })
}

/// Reads an approval with how it stands. One that is no more cannot be given any more.
fn approval(columns: &mut Columns<'_>) -> Result<Option<(roost_domain::id::ApprovalId, Status)>, Error> {
    let id: Option<[u8; 16]> = columns.take()?;
    let status: Option<String> = columns.take()?;
    let Some(id) = id else { return Ok(None) };
    let id = roost_domain::id::ApprovalId::from_uuid(uuid::Uuid::from_bytes(id));
    let status = match status {
        Some(status) => named(INSTALLED.name, &status, &Status::ALL, Status::name)?,
        None => Status::Withdrawn,
    };
    Ok(Some((id, status)))
}

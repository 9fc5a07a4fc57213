//! The skills that are built in. They stand in the folder `skills` of the repository, where everybody can read them; a
//! test holds this list to that folder.

/// A built-in skill.
#[derive(Debug, Clone, Copy)]
pub struct Starter {
    /// Its name.
    pub id: &'static str,
    /// Its files: the path below its folder, and the content.
    pub files: &'static [(&'static str, &'static [u8])],
}

/// Returns the skills that are built in, sorted by name.
pub const fn starter_set() -> &'static [Starter] {
    &SET
}

macro_rules! starter {
    ($id:literal: $($path:literal),+ $(,)?) => {
        Starter {
            id: $id,
            files: &[$(($path, include_bytes!(concat!("../../../skills/", $id, "/", $path)).as_slice())),+],
        }
    };
}

static SET: [Starter; 14] = [
    starter!("archive-inspector": "SKILL.md", "lib/archive_inspector.py", "scripts/inspect.sh"),
    starter!("changelog-writer": "SKILL.md", "references/style.md", "scripts/changelog.sh"),
    starter!("cron-helper": "SKILL.md", "lib/cron_helper.py", "scripts/cron.sh"),
    starter!("csv-insights": "SKILL.md", "scripts/insights.sh"),
    starter!("git-summary": "SKILL.md", "scripts/summary.sh"),
    starter!("image-info": "SKILL.md", "lib/image_info.py", "scripts/info.sh"),
    starter!("json-tools": "SKILL.md", "lib/json_tools.py", "scripts/json.sh"),
    starter!("log-triage": "SKILL.md", "scripts/triage.sh"),
    starter!("markdown-report": "SKILL.md", "assets/template.md", "scripts/bars.sh", "scripts/table.sh", "scripts/toc.sh"),
    starter!("pdf-text": "SKILL.md", "lib/pdf_text.py", "scripts/text.sh"),
    starter!("regex-tester": "SKILL.md", "references/dialects.md", "scripts/test.sh"),
    starter!("sqlite-query": "SKILL.md", "lib/sqlite_query.py", "scripts/sqlite.sh"),
    starter!("unit-converter": "SKILL.md", "scripts/convert.sh"),
    starter!("web-page-to-markdown": "SKILL.md", "lib/page_to_markdown.py", "scripts/markdown.sh"),
];

#[cfg(test)]
mod tests;

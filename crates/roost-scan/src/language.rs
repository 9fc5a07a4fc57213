//! What a file is: by its name, by its first line, or by what parses best.

use serde::Deserialize;

/// What a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Python.
    Python,
    /// JavaScript, with or without JSX.
    Javascript,
    /// TypeScript.
    Typescript,
    /// TypeScript with JSX.
    Tsx,
    /// Rust.
    Rust,
    /// Shell scripts and single commands.
    Bash,
    /// Markdown: skills and other instructions to a model.
    Markdown,
    /// Manifests of MCP servers.
    Mcp,
    /// Lists of dependencies.
    Dependencies,
    /// Any other text.
    Text,
}

impl Language {
    /// Every language.
    pub(crate) const ALL: [Self; 10] = [
        Self::Python,
        Self::Javascript,
        Self::Typescript,
        Self::Tsx,
        Self::Rust,
        Self::Bash,
        Self::Markdown,
        Self::Mcp,
        Self::Dependencies,
        Self::Text,
    ];

    /// Returns its name as people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Python => "Python",
            Self::Javascript => "JavaScript",
            Self::Typescript => "TypeScript",
            Self::Tsx => "TSX",
            Self::Rust => "Rust",
            Self::Bash => "Bash",
            Self::Markdown => "Markdown",
            Self::Mcp => "MCP manifest",
            Self::Dependencies => "dependency file",
            Self::Text => "text",
        }
    }

    /// Returns the language that the name of a file, or else its first line, tells. `None` for what is not read.
    pub(crate) fn of(path: &str, text: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path).to_ascii_lowercase();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let is_list = name.starts_with("requirements") && (extension == "txt" || extension == "in");
        if is_list || matches!(name.as_str(), "pyproject.toml" | "package.json" | "cargo.toml" | "pipfile") {
            return Some(Self::Dependencies);
        }
        match extension {
            "py" | "pyw" | "pyi" => Some(Self::Python),
            "js" | "mjs" | "cjs" | "jsx" => Some(Self::Javascript),
            "ts" | "mts" | "cts" => Some(Self::Typescript),
            "tsx" => Some(Self::Tsx),
            "rs" => Some(Self::Rust),
            "sh" | "bash" | "zsh" | "ksh" => Some(Self::Bash),
            "md" | "mdx" | "markdown" | "mdc" => Some(Self::Markdown),
            "json" => Some(if text.contains("\"mcpServers\"") || is_mcp_name(&name) {
                Self::Mcp
            } else {
                Self::Text
            }),
            "env" | "yaml" | "yml" | "toml" | "ini" | "cfg" | "conf" | "properties" | "txt" | "prompt" => {
                Some(Self::Text)
            }
            _ if name.starts_with(".env") => Some(Self::Text),
            _ => Self::of_first_line(text),
        }
    }

    fn of_first_line(text: &str) -> Option<Self> {
        let first = text.lines().next()?.strip_prefix("#!")?;
        let program = |name: &str| first.split(['/', ' ']).any(|word| word.starts_with(name));
        if program("python") {
            return Some(Self::Python);
        }
        if program("node") || program("deno") || program("bun") {
            return Some(Self::Javascript);
        }
        ["sh", "bash", "zsh", "dash", "ksh"].into_iter().any(program).then_some(Self::Bash)
    }

    /// Returns the language of a fenced block's or an interpreter's name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "python" | "py" | "python3" => Some(Self::Python),
            "javascript" | "js" | "node" | "jsx" => Some(Self::Javascript),
            "typescript" | "ts" => Some(Self::Typescript),
            "tsx" => Some(Self::Tsx),
            "rust" | "rs" => Some(Self::Rust),
            "bash" | "sh" | "shell" | "zsh" | "console" | "shell-session" => Some(Self::Bash),
            _ => None,
        }
    }

    /// Tells whether rules for another language hold for this one too.
    pub(crate) fn is_kind_of(self, other: Self) -> bool {
        self == other || (other == Self::Javascript && matches!(self, Self::Typescript | Self::Tsx))
    }
}

fn is_mcp_name(name: &str) -> bool {
    matches!(name, "mcp.json" | ".mcp.json" | "server.json" | "claude_desktop_config.json")
}

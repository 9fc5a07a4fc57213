//! Lists of dependencies: what is not pinned, what comes from elsewhere, what runs on installation.

use serde_json::Value;

use crate::language::Language;
use crate::manifest::line_of;
use crate::rule::Check;
use crate::scanner::Scan;
use crate::snippet::masked;

/// Names one slip away from packages that many use, as far as they were used for attacks.
const LOOKALIKES: [&str; 20] = [
    "reqeusts",
    "requets",
    "request-s",
    "beautifulsoup",
    "python-dateutils",
    "jeIlyfish",
    "urlib3",
    "urllib",
    "openai-python",
    "langchian",
    "langchain-core-utils",
    "crossenv",
    "colourama",
    "python3-dateutil",
    "djanga",
    "nmap-python",
    "opencv-python-contrib",
    "electorn",
    "loadsh",
    "discordjs-utils",
];

/// Looks at a list of dependencies.
pub(crate) fn scan(scan: &mut Scan<'_>, source: &str) {
    let name = scan.path.rsplit('/').next().unwrap_or("").to_ascii_lowercase();
    match name.as_str() {
        "package.json" => package_json(scan, source),
        "cargo.toml" | "pyproject.toml" | "pipfile" => toml_list(scan, source),
        _ => requirements(scan, source),
    }
}

fn requirements(scan: &mut Scan<'_>, source: &str) {
    for (at, line) in source.lines().enumerate() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        let line = line.split(" #").next().unwrap_or("").trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.contains("--index-url http://")
            || line.contains("--extra-index-url")
            || line.contains("--trusted-host")
        {
            scan.check(Check::UnsafeDependencySource, number, masked(line), None);
        }
        if line.starts_with('-') {
            continue;
        }
        let package = line.split(['=', '<', '>', '~', '!', '[', ';', ' ', '@']).next().unwrap_or("");
        lookalike(scan, package, number, line);
        if line.contains("git+") || line.contains("http://") || line.contains("https://") {
            let at_commit = line.rsplit_once('@').is_some_and(|(_, commit)| is_commit(commit))
                || line.contains("#sha256=");
            if !at_commit {
                scan.check(Check::UnsafeDependencySource, number, masked(line), None);
            }
        } else if !(line.contains("==") || line.contains("--hash=")) {
            scan.check(Check::UnpinnedDependency, number, masked(line), None);
        }
    }
}

fn is_commit(text: &str) -> bool {
    let text = text.split(['#', ' ', ';']).next().unwrap_or("");
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn lookalike(scan: &mut Scan<'_>, package: &str, line: u32, text: &str) {
    if LOOKALIKES.contains(&package.to_ascii_lowercase().as_str()) {
        scan.check(Check::AwkwardDependencyName, line, masked(text), None);
    }
}

fn package_json(scan: &mut Scan<'_>, source: &str) {
    let Ok(package) = serde_json::from_str::<Value>(source) else {
        scan.check(Check::Unparsable, 1, String::new(), Some("this is no JSON"));
        return;
    };
    for key in ["dependencies", "devDependencies", "optionalDependencies"] {
        for (name, version) in package.get(key).and_then(Value::as_object).into_iter().flatten() {
            let version = version.as_str().unwrap_or("");
            let quoted = format!("\"{name}\"");
            let line = line_of_key(source, &quoted);
            let text = format!("{name}: {version}");
            lookalike(scan, name, line, &text);
            let remote = ["http://", "https://", "git+", "git://", "github:"]
                .iter()
                .any(|from| version.starts_with(from));
            if remote && !version.rsplit_once('#').is_some_and(|(_, commit)| is_commit(commit)) {
                scan.check(Check::UnsafeDependencySource, line, masked(&text), None);
            } else if matches!(version, "*" | "latest" | "x" | "") {
                scan.check(Check::UnpinnedDependency, line, masked(&text), None);
            }
        }
    }
    for (name, script) in package.get("scripts").and_then(Value::as_object).into_iter().flatten() {
        let script = script.as_str().unwrap_or("");
        let line = line_of(source, script);
        let on_install = matches!(name.as_str(), "preinstall" | "install" | "postinstall" | "prepare");
        let fetches =
            ["curl", "wget", "node -e", "bash -c", "sh -c", "powershell", "eval", "http://", "https://"];
        if on_install && fetches.iter().any(|word| script.contains(word)) {
            scan.check(Check::InstallScript, line, masked(&format!("{name}: {script}")), None);
        }
        scan.piece(Language::Bash, script, line.saturating_sub(1), 1);
    }
}

fn line_of_key(source: &str, quoted: &str) -> u32 {
    let at = source.find(quoted).unwrap_or(0);
    u32::try_from(source[..at].matches('\n').count() + 1).unwrap_or(u32::MAX)
}

/// Cargo and the newer Python tools write a lock file beside it; only what no lock can hold is told.
fn toml_list(scan: &mut Scan<'_>, source: &str) {
    let mut in_dependencies = false;
    for (at, line) in source.lines().enumerate() {
        let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
        let line = line.trim();
        if line.starts_with('[') {
            in_dependencies = line.contains("dependencies") || line.contains("packages");
        }
        in_dependencies |= line.starts_with("dependencies") && line.contains('[');
        if !in_dependencies || line.starts_with('#') {
            continue;
        }
        let wild = line.ends_with("= \"*\"") || line.contains("version = \"*\"");
        let from_git = (line.contains("git = ") || line.contains("git+"))
            && !line.contains("rev = ")
            && !line.contains("path = ");
        if from_git
            && !line.rsplit_once('@').is_some_and(|(_, commit)| is_commit(commit.trim_matches(['"', ','])))
        {
            scan.check(Check::UnsafeDependencySource, number, masked(line), None);
        } else if wild {
            scan.check(Check::UnpinnedDependency, number, masked(line), None);
        }
        let package =
            line.trim_start_matches(['"', '\'']).split(['=', '<', '>', '~', '[', ' ', '"', '\'']).next();
        lookalike(scan, package.unwrap_or(""), number, line);
    }
}

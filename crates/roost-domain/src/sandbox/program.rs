//! What code in a sandbox is.

use super::Mode;
use super::settings::InvalidField;

/// The most code of one run, in bytes.
pub const CODE_MAX: usize = 1024 * 1024;

/// What a run runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// What it is written in.
    pub language: Language,
    /// The code as it came.
    pub code: String,
}

/// What code is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// Python 3.
    Python,
    /// A WebAssembly module in base64.
    WasmModule,
    /// A WebAssembly module as text.
    WasmText,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 3] = [Self::Python, Self::WasmModule, Self::WasmText];

    /// Returns its name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::WasmModule => "wasm_module",
            Self::WasmText => "wasm_text",
        }
    }
}

impl Program {
    /// Tells what code is: in a container always Python; in WebAssembly a module if it begins like one, in base64
    /// (`AGFzbQ…`) or as text (`(module …`), and Python otherwise.
    ///
    /// # Errors
    ///
    /// [`InvalidField`] if it is empty, too long, or cannot be passed on.
    pub fn read(mode: Mode, code: String) -> Result<Self, InvalidField> {
        let invalid = |problem: String| Err(InvalidField { path: "code".to_owned(), problem });
        if code.trim().is_empty() {
            return invalid("must not be empty".to_owned());
        }
        if code.len() > CODE_MAX {
            return invalid(format!("has {} bytes; at most {CODE_MAX} are allowed", code.len()));
        }
        if code.contains('\0') {
            return invalid("must not hold a zero byte".to_owned());
        }
        let start = code.trim_start();
        let language = match mode {
            Mode::Wasm if start.starts_with("AGFzb") => Language::WasmModule,
            Mode::Wasm if is_text(start) => Language::WasmText,
            Mode::Container | Mode::Wasm => Language::Python,
        };
        Ok(Self { language, code })
    }
}

/// Tells whether a text begins with `(module`, comments passed over.
fn is_text(mut text: &str) -> bool {
    while let Some(comment) = text.strip_prefix(";;") {
        text = comment.split_once('\n').map_or("", |(_, rest)| rest.trim_start());
    }
    let rest = text.strip_prefix('(').map(str::trim_start).and_then(|rest| rest.strip_prefix("module"));
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

//! Code becomes a module.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roost_domain::sandbox::{Language, Program};
use wasmtime::{Engine, Module};

/// Compiles code that is a module itself, or says why it is none.
pub(crate) fn compile(engine: &Engine, program: &Program) -> Result<Module, String> {
    let compiled = match program.language {
        Language::WasmModule => {
            let bytes = STANDARD.decode(program.code.split_whitespace().collect::<String>());
            let bytes = bytes.map_err(|error| format!("the code is no base64: {error}"))?;
            Module::from_binary(engine, &bytes)
        }
        Language::WasmText => Module::new(engine, &program.code),
        Language::Python => return Err("the code is no module".to_owned()),
    };
    compiled.map_err(|error| format!("the code is no module that can be run: {error:#}"))
}

/// Compiles the interpreter.
pub(crate) fn interpreter(engine: &Engine, path: &Path) -> Result<Module, String> {
    let say = |problem: String| format!("the interpreter {} cannot be used: {problem}", path.display());
    let bytes = fs::read(path).map_err(|error| say(error.to_string()))?;
    Module::from_binary(engine, &bytes).map_err(|error| say(format!("{error:#}")))
}

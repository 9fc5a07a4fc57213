use roost_http::Failure;
use serde_json::{Value, json};

/// Shapes an error as AgentCop does: `error` is the code for programs, `code` the status.
pub(crate) fn body(failure: &Failure) -> Value {
    json!({
        "error": failure.code(),
        "message": failure.message(),
        "code": failure.status().as_u16(),
        "docs": "/docs",
    })
}

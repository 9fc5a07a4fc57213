//! **Source:** AgentCop's API reference, "AgentCop API".

use axum::Json as Answer;
use axum::extract::multipart::{Field, Multipart, MultipartError, MultipartRejection};
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use roost_core::{Code, Core, Scan, ScanCode};
use roost_domain::id::ScanId;
use roost_domain::scan::{Finding, Framework};
use roost_http::{Caller, Failure, Json, Segment, iso};
use serde::{Deserialize, Serialize};

/// The longest upload that is read: the largest archive and the form around it.
pub(crate) const LARGEST_UPLOAD: usize = 10 * 1024 * 1024 + 64 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScanBody {
    code: String,
    description: Option<String>,
    agent_name: Option<String>,
    framework: Option<String>,
    /// The file's name, which says in which language it is; without one, that is guessed. Not in AgentCop's documents.
    filename: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct ScanView {
    scan_id: String,
    trust_score: u8,
    risk_level: &'static str,
    total_issues: usize,
    issues: Vec<Issue>,
    scan_time_ms: u64,
    created_at: String,
    share_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    files_scanned: Option<u32>,
}

#[derive(Serialize)]
struct Issue {
    id: String,
    r#type: &'static str,
    severity: &'static str,
    description: String,
    line: u32,
    code_snippet: String,
    fix: String,
    owasp: &'static str,
    cwe: Option<String>,
    /// The rule that found it. Not in AgentCop's documents.
    rule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

pub(crate) async fn code(
    State(core): State<Core>,
    Caller(ctx): Caller,
    body: Result<Json<ScanBody>, Failure>,
) -> Result<Answer<ScanView>, Failure> {
    let Json(body) = body.map_err(|failure| too_large_here(failure, "Code too large to scan (max 100KB)"))?;
    at_most("description", body.description.as_deref(), 2_000)?;
    at_most("agent_name", body.agent_name.as_deref(), 200)?;
    at_most("filename", body.filename.as_deref(), 500)?;
    let framework = framework(body.framework.as_deref())?;
    let code = match body.filename {
        Some(name) => Code::File(name, body.code),
        None => Code::Snippet(body.code),
    };
    let scan = core.scans().scan(&ctx, ScanCode { code, framework }).await?;
    Ok(Answer(ScanView::new(scan, false)))
}

pub(crate) async fn archive(
    State(core): State<Core>,
    Caller(ctx): Caller,
    request: Request,
) -> Result<Answer<ScanView>, Failure> {
    let scan = core.scans().scan(&ctx, upload(request).await?).await?;
    Ok(Answer(ScanView::new(scan, true)))
}

pub(crate) async fn one(
    State(core): State<Core>,
    Caller(ctx): Caller,
    Segment((id,)): Segment<(ScanId,)>,
) -> Result<Answer<ScanView>, Failure> {
    let scan = core.scans().get(&ctx, id).await?;
    let many = scan.report.files_scanned > 1;
    Ok(Answer(ScanView::new(scan, many)))
}

/// Reads the form of an upload: `file`, `description`, `framework`.
async fn upload(request: Request) -> Result<ScanCode, Failure> {
    let mut form = Multipart::from_request(request, &()).await.map_err(no_form)?;
    let (mut archive, mut framework) = (None, None);
    while let Some(field) = form.next_field().await.map_err(|error| broken(&error))? {
        match field.name().unwrap_or_default() {
            "file" => archive = Some(field.bytes().await.map_err(|error| broken(&error))?.to_vec()),
            "framework" => framework = self::framework(Some(&text(field, "framework").await?))?,
            "description" => at_most("description", Some(&text(field, "description").await?), 2_000)?,
            other => {
                let other: String = other.chars().take(80).collect();
                return Err(Failure::invalid(
                    &other,
                    "is not known here; the fields are file, description, framework",
                ));
            }
        }
    }
    let archive = archive.ok_or_else(|| Failure::invalid("file", "is missing; send a zip archive"))?;
    Ok(ScanCode { code: Code::Archive(archive), framework })
}

async fn text(field: Field<'_>, name: &str) -> Result<String, Failure> {
    let bytes = field.bytes().await.map_err(|error| broken(&error))?;
    String::from_utf8(bytes.into()).map_err(|_| Failure::invalid(name, "must be a text in UTF-8"))
}

fn no_form(_: MultipartRejection) -> Failure {
    let message = "the body must be a form with a file; send the header Content-Type: multipart/form-data";
    Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
}

fn broken(error: &MultipartError) -> Failure {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let message = "Archive too large to scan (max 10MB)";
        return Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "scan_failed", message);
    }
    let message = format!("the form cannot be read: {}", error.body_text());
    Failure::new(StatusCode::BAD_REQUEST, "invalid_request", message)
}

/// Says that code is too large to scan where a body was too long to be read at all.
fn too_large_here(failure: Failure, message: &str) -> Failure {
    if failure.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "scan_failed", message)
    } else {
        failure
    }
}

fn framework(name: Option<&str>) -> Result<Option<Framework>, Failure> {
    let read = |name: &str| name.parse().map_err(|error| Failure::invalid("framework", error));
    name.map(read).transpose()
}

pub(crate) fn at_most(field: &str, text: Option<&str>, max: usize) -> Result<(), Failure> {
    match text {
        Some(text) if text.chars().count() > max => {
            Err(Failure::invalid(field, format!("must have at most {max} characters")))
        }
        Some(_) | None => Ok(()),
    }
}

impl ScanView {
    fn new(scan: Scan, many: bool) -> Self {
        let report = scan.report;
        let files_scanned = many.then_some(report.files_scanned);
        Self {
            scan_id: scan.id.to_string(),
            trust_score: report.score().get(),
            risk_level: report.risk().name(),
            total_issues: report.findings.len(),
            issues: report.findings.into_iter().zip(1..).map(|(finding, n)| Issue::new(finding, n)).collect(),
            scan_time_ms: scan.took_ms,
            created_at: iso(scan.created_at),
            share_url: format!("/api/badge/{}", scan.id),
            files_scanned,
        }
    }
}

impl Issue {
    fn new(finding: Finding, number: u32) -> Self {
        Self {
            id: format!("issue_{number:03}"),
            r#type: finding.category.type_name(),
            severity: finding.severity.name(),
            description: finding.description,
            line: finding.line,
            code_snippet: finding.snippet,
            fix: finding.fix,
            owasp: finding.category.owasp(),
            cwe: finding.cwe.map(|cwe| format!("CWE-{cwe}")),
            rule: finding.rule,
            file: finding.file,
        }
    }
}

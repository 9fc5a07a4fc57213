//! **Source:** AgentCop's API reference, "AgentCop API": badges.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use roost_core::Core;
use roost_domain::id::ScanId;
use roost_domain::scan::RiskLevel;
use roost_http::{Failure, Segment};

pub(crate) async fn show(
    State(core): State<Core>,
    Segment((id,)): Segment<(ScanId,)>,
) -> Result<impl IntoResponse, Failure> {
    let report = core.scans().badge(id).await?;
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "max-age=3600")];
    Ok((headers, svg(report.score().get(), report.risk())))
}

fn svg(score: u8, risk: RiskLevel) -> String {
    let (colour, label) = match risk {
        RiskLevel::Safe => ("#10b891", "SAFE"),
        RiskLevel::Low => ("#10b891", "LOW RISK"),
        RiskLevel::Moderate => ("#f59e0b", "MODERATE"),
        RiskLevel::High => ("#f97316", "HIGH RISK"),
        RiskLevel::Critical => ("#ef4444", "CRITICAL"),
    };
    let text = format!("{score}/100 {label}");
    // Letters of the badge's font are about 6.5 units wide.
    let (left, right) = (66, 14 + text.len() * 13 / 2);
    let width = left + right;
    let (at_left, at_right) = (left / 2, left + right / 2);
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="agentcop: {text}"><title>agentcop: {text}</title><clipPath id="r"><rect width="{width}" height="20" rx="3" fill="#fff"/></clipPath><g clip-path="url(#r)"><rect width="{left}" height="20" fill="#1f2937"/><rect x="{left}" width="{right}" height="20" fill="{colour}"/></g><g fill="#fff" text-anchor="middle" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11"><text x="{at_left}" y="14">agentcop</text><text x="{at_right}" y="14">{text}</text></g></svg>"##
    )
}

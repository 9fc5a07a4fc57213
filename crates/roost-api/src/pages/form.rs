use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use axum::body::Body;
use axum::extract::multipart::{Field as Part, Multipart};
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use roost_core::{Error, FormFile, FormPage, FormState, Kind, Submitted};
use roost_domain::workflow::{Choice, Field, FieldKind, read_page};
use roost_http::Segment;
use serde_json::Value;

use super::html::{Page, error_page, headers, paragraphs, sentence, text};
use crate::app::App;

/// What a form may hold besides files.
const MOST_TEXT: usize = 2 << 20;
/// How many parts are read.
const MOST_PARTS: usize = 2_000;
/// How long somebody waits for others who send forms.
const TURN: Duration = Duration::from_secs(10);
/// How long somebody may take to send a form.
const PATIENCE: Duration = Duration::from_secs(120);

/// Shows a form by its link.
pub(crate) async fn shown_form(State(app): State<App>, Segment((token,)): Segment<(String,)>) -> Response {
    match app.core.forms().page(&token, app.core.now()).await {
        Ok(page) => form_page(&page, &[], &[]),
        Err(error) => error_page(error),
    }
}

/// Takes the answer to a form.
pub(crate) async fn answered_form(
    State(app): State<App>,
    Segment((token,)): Segment<(String,)>,
    request: Request,
) -> Response {
    // Nobody without a link may send much.
    let page = match app.core.forms().page(&token, app.core.now()).await {
        Ok(page) if page.state == FormState::Open => page,
        Ok(page) => return form_page(&page, &[], &[]),
        Err(error) => return error_page(error),
    };
    let Ok(Ok(_turn)) = tokio::time::timeout(TURN, app.forms.acquire()).await else {
        let message = "others are sending forms; send yours again in a moment";
        return error_page(Error::new(Kind::Unavailable, "overloaded", message));
    };
    let sent = match tokio::time::timeout(PATIENCE, read(request, &page)).await {
        Ok(Ok(sent)) => sent,
        Ok(Err(error)) => return error_page(error),
        Err(_) => return error_page(Error::new(Kind::Timeout, "deadline_exceeded", "sending took too long")),
    };
    let values = read_page(&page.fields, &sent.pairs);
    match app.core.forms().submit(&token, values, sent.files, app.core.now()).await {
        Ok(Submitted::Taken) => {
            let again = HeaderValue::from_str(&token);
            let mut response = StatusCode::SEE_OTHER.into_response();
            response.headers_mut().extend(headers("default-src 'none'"));
            response.headers_mut().extend(again.map(|again| (header::LOCATION, again)));
            response
        }
        Ok(Submitted::Wrong(page, wrong)) => form_page(&page, &sent.pairs, &wrong),
        Err(error) => error_page(error),
    }
}

/// What came from a page.
struct Sent {
    pairs: Vec<(String, String)>,
    files: Vec<FormFile>,
}

async fn read(request: Request, page: &FormPage) -> Result<Sent, Error> {
    let fields = &page.fields;
    let files = fields.iter().filter_map(|field| match field.kind {
        FieldKind::File { max_bytes, .. } => usize::try_from(max_bytes).ok(),
        FieldKind::Text { .. }
        | FieldKind::LongText { .. }
        | FieldKind::Number { .. }
        | FieldKind::Boolean
        | FieldKind::Choice { .. }
        | FieldKind::MultiChoice { .. }
        | FieldKind::Date
        | FieldKind::Email
        | FieldKind::Url => None,
    });
    // One file for each field; a byte more than is taken, so that the answer can say so.
    let longest = files.fold(0_usize, |sum, most| sum.saturating_add(most).saturating_add(1_024));
    // More than the form has room for is not even read.
    let room = usize::try_from(page.room.0).unwrap_or(usize::MAX);
    let longest = longest.min(room.saturating_add(1_024)).saturating_add(MOST_TEXT);
    let mut request: Request<Body> = request;
    DefaultBodyLimit::max(longest).apply(&mut request);
    let wrong =
        |_| Error::new(Kind::InvalidInput, "invalid_request", "what was sent is no form, or is too long");
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| {
        Error::new(Kind::InvalidInput, "invalid_request", "send the form as multipart/form-data")
    })?;
    let (mut sent, mut length) = (Sent { pairs: Vec::new(), files: Vec::new() }, 0);
    let mut files_of = BTreeSet::new();
    while let Some(part) = form.next_field().await.map_err(wrong)? {
        let name = part.name().unwrap_or_default().to_owned();
        let is_file =
            fields.iter().any(|field| field.name == name && matches!(field.kind, FieldKind::File { .. }));
        if sent.pairs.len() + sent.files.len() >= MOST_PARTS {
            return Err(Error::new(Kind::InvalidInput, "invalid_request", "the form has too many parts"));
        }
        if is_file {
            if !files_of.insert(name.clone()) {
                let message = format!("the form has more than one file for the field {name}");
                return Err(Error::new(Kind::InvalidInput, "invalid_request", message));
            }
            sent.files.extend(read_file(part, name).await.map_err(wrong)?);
        } else {
            let said = part.text().await.map_err(wrong)?;
            length += said.len() + name.len();
            if length > MOST_TEXT {
                return Err(Error::new(Kind::TooLarge, "body_too_large", "the answers are too long"));
            }
            sent.pairs.push((name, said));
        }
    }
    Ok(sent)
}

/// A browser sends a part without a name for a file that was not chosen.
async fn read_file(
    part: Part<'_>,
    field: String,
) -> Result<Option<FormFile>, axum::extract::multipart::MultipartError> {
    let name = part.file_name().unwrap_or_default().to_owned();
    let media_type = part.content_type().unwrap_or_default().to_owned();
    let content = part.bytes().await?.to_vec();
    let nothing = name.is_empty() && content.is_empty();
    Ok((!nothing).then_some(FormFile { field, name, media_type, content }))
}

/// Writes the page of a form, with what was typed and what is wrong with it.
fn form_page(page: &FormPage, typed: &[(String, String)], wrong: &[(String, String)]) -> Response {
    let mut body = format!("<h1>{}</h1>\n", text(&page.title));
    let over = match page.state {
        FormState::Open => None,
        FormState::Answered { at } => Some(format!(
            "Thank you. This was answered{}, and {} goes on with it.",
            at.map(|at| format!(" on {}", day(at))).unwrap_or_default(),
            page.agent
        )),
        FormState::Expired => {
            Some("The time to answer this is over. Nothing that is sent now is taken.".to_owned())
        }
        FormState::Closed => Some(
            "This does not have to be answered any more: what asked has ended or was cancelled.".to_owned(),
        ),
    };
    if let Some(over) = over {
        // silent-ok: writing to a text cannot fail, here and below.
        let _ = writeln!(body, "<p role=\"status\">{}</p>", text(&over));
        let title = format!("{} – {}", page.title, page.agent);
        return Page { title: &title, head: "", body: &body }.response(StatusCode::OK);
    }
    let _ = writeln!(body, "<p class=\"dim\">{} asks{}.</p>", text(&page.agent), until(page.expires_at));
    body.push_str(&paragraphs(page.description.as_deref().unwrap_or_default()));
    if let Some(problem) = page.problem.as_deref().filter(|_| wrong.is_empty()) {
        let _ = writeln!(
            body,
            "<div class=\"summary\"><h2>What was answered before was not taken</h2><p>{}</p></div>",
            text(&sentence(problem))
        );
    }
    body.push_str(&summary(page, wrong));
    body.push_str("<form method=\"post\" enctype=\"multipart/form-data\" novalidate>\n");
    for (at, field) in page.fields.iter().enumerate() {
        body.push_str(&control(at, field, typed, !wrong.is_empty() || !typed.is_empty(), wrong));
    }
    body.push_str("<button type=\"submit\">Send</button>\n</form>\n");
    let error = if wrong.is_empty() { "" } else { "Error: " };
    let title = format!("{error}{} – {}", page.title, page.agent);
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Page { title: &title, head: "", body: &body }.response(status)
}

fn day(at: jiff::Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%-d %B %Y at %H:%M UTC").to_string()
}

fn until(at: Option<jiff::Timestamp>) -> String {
    at.map(|at| format!(" for an answer until {}", day(at))).unwrap_or_default()
}

fn summary(page: &FormPage, wrong: &[(String, String)]) -> String {
    if wrong.is_empty() {
        return String::new();
    }
    let mut html = "<div class=\"summary\" role=\"alert\" aria-labelledby=\"wrong\">\n<h2 id=\"wrong\">There is a problem\
                    </h2>\n<ul>\n"
        .to_owned();
    for (name, problem) in wrong {
        let place = page.fields.iter().position(|field| field.name == *name);
        let _ = match place {
            Some(at) => writeln!(
                html,
                "<li><a href=\"#field-{at}\">{}: {}</a></li>",
                text(&page.fields[at].label),
                text(problem)
            ),
            None => writeln!(html, "<li>{}: {}</li>", text(name), text(problem)),
        };
    }
    html.push_str("</ul>\n</div>\n");
    html
}

/// A field with all that belongs to it.
struct Control<'a> {
    at: usize,
    field: &'a Field,
    /// What is filled in.
    values: Vec<String>,
    /// ` aria-describedby="…" aria-invalid="true"`
    attributes: String,
    /// Help and error.
    notes: String,
}

fn control(
    at: usize,
    field: &Field,
    typed: &[(String, String)],
    was_sent: bool,
    wrong: &[(String, String)],
) -> String {
    let values = if was_sent {
        typed.iter().filter(|(name, _)| *name == field.name).map(|(_, value)| value.clone()).collect()
    } else {
        field.default.as_ref().map(defaults).unwrap_or_default()
    };
    let problem = wrong.iter().find(|(name, _)| *name == field.name).map(|(_, problem)| problem);
    let (mut notes, mut described) = (String::new(), Vec::new());
    if let Some(help) = &field.help {
        let _ = writeln!(notes, "<span class=\"help\" id=\"help-{at}\">{}</span>", text(help));
        described.push(format!("help-{at}"));
    }
    if let Some(problem) = problem {
        let _ = writeln!(
            notes,
            "<span class=\"error\" id=\"error-{at}\">{}: {}</span>",
            text(&field.label),
            text(problem)
        );
        described.push(format!("error-{at}"));
    }
    let mut attributes = String::new();
    if !described.is_empty() {
        let _ = write!(attributes, " aria-describedby=\"{}\"", described.join(" "));
    }
    if problem.is_some() {
        attributes.push_str(" aria-invalid=\"true\"");
    }
    let class = if problem.is_some() { "field wrong" } else { "field" };
    Control { at, field, values, attributes, notes }.write(class)
}

fn defaults(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::Null => Vec::new(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => vec![value.to_string()],
    }
}

impl Control<'_> {
    fn write(&self, class: &str) -> String {
        match &self.field.kind {
            FieldKind::Boolean if self.field.required => self.choices(class, "radio", &yes_or_no()),
            FieldKind::Boolean => self.tick(class),
            FieldKind::Choice { options } if options.len() <= 6 => self.choices(class, "radio", options),
            FieldKind::MultiChoice { options } => self.choices(class, "checkbox", options),
            FieldKind::Choice { .. }
            | FieldKind::Text { .. }
            | FieldKind::LongText { .. }
            | FieldKind::Number { .. }
            | FieldKind::Date
            | FieldKind::Email
            | FieldKind::Url
            | FieldKind::File { .. } => format!(
                "<div class=\"{class}\">\n<label for=\"field-{}\">{}</label>\n{}{}</div>\n",
                self.at,
                self.label(),
                self.notes,
                self.input()
            ),
        }
    }

    fn label(&self) -> String {
        let optional = if self.field.required { "" } else { " <span class=\"dim\">(optional)</span>" };
        format!("{}{optional}", text(&self.field.label))
    }

    fn name(&self) -> String {
        let required = if self.field.required { " required" } else { "" };
        format!("name=\"{}\"{required}{}", text(&self.field.name), self.attributes)
    }

    fn value(&self) -> String {
        self.values.first().map(|value| text(value)).unwrap_or_default()
    }

    fn input(&self) -> String {
        let (at, name, value) = (self.at, self.name(), self.value());
        let line = |kind: &str, more: &str| {
            format!("<input type=\"{kind}\" id=\"field-{at}\" {name} value=\"{value}\"{more}>\n")
        };
        match &self.field.kind {
            FieldKind::LongText { .. } => {
                // A line break right after the tag would not be shown.
                format!("<textarea id=\"field-{at}\" {name} rows=\"6\">\n{value}</textarea>\n")
            }
            FieldKind::Choice { options } => {
                let mut html = format!("<select id=\"field-{at}\" {name}>\n<option value=\"\"></option>\n");
                for option in options {
                    let chosen = if self.values.contains(&option.value) { " selected" } else { "" };
                    let (value, label) = (text(&option.value), text(&option.label));
                    let _ = writeln!(html, "<option value=\"{value}\"{chosen}>{label}</option>");
                }
                html + "</select>\n"
            }
            FieldKind::Number { whole, .. } => {
                line("text", if *whole { " inputmode=\"numeric\"" } else { " inputmode=\"decimal\"" })
            }
            FieldKind::Date => line("date", ""),
            FieldKind::Email => line("email", " autocomplete=\"email\""),
            FieldKind::Url => line("url", ""),
            FieldKind::File { accept, .. } => {
                let accept = text(&accept.join(","));
                format!("<input type=\"file\" id=\"field-{at}\" {name} accept=\"{accept}\">\n")
            }
            FieldKind::Text { .. } | FieldKind::Boolean | FieldKind::MultiChoice { .. } => line("text", ""),
        }
    }

    fn tick(&self, class: &str) -> String {
        let ticked = self.values.first().is_some_and(|value| value != "false");
        let checked = if ticked { " checked" } else { "" };
        format!(
            "<div class=\"{class}\">\n{}<div class=\"option\"><input type=\"checkbox\" id=\"field-{at}\" {} \
             value=\"true\"{checked}>\n<label for=\"field-{at}\">{}</label></div>\n</div>\n",
            self.notes,
            self.name(),
            text(&self.field.label),
            at = self.at
        )
    }

    fn choices(&self, class: &str, kind: &str, options: &[Choice]) -> String {
        let mut html = format!(
            "<fieldset class=\"{class}\"{}>\n<legend>{}</legend>\n{}",
            self.attributes,
            self.label(),
            self.notes
        );
        for (place, option) in options.iter().enumerate() {
            // What an error leads to is the first of them.
            let id =
                if place == 0 { format!("field-{}", self.at) } else { format!("field-{}-{place}", self.at) };
            let checked = if self.values.contains(&option.value) { " checked" } else { "" };
            let _ = writeln!(
                html,
                "<div class=\"option\"><input type=\"{kind}\" id=\"{id}\" name=\"{}\" value=\"{}\"{checked}>\n\
                 <label for=\"{id}\">{}</label></div>",
                text(&self.field.name),
                text(&option.value),
                text(&option.label)
            );
        }
        html + "</fieldset>\n"
    }
}

fn yes_or_no() -> [Choice; 2] {
    [("true", "Yes"), ("false", "No")]
        .map(|(value, label)| Choice { value: value.into(), label: label.into() })
}

//! How a conversation looks.

use std::collections::HashMap;
use std::io;

use serde_json::Value;

use super::event::ChatEvent;
use crate::output;

/// Lines of a tool's output that are shown; the whole is in the history.
const OUTPUT_LINES: usize = 12;
/// Characters of a line that are shown.
const LINE_CHARS: usize = 160;

/// Shows events: the answer on standard output, what the agent does in between too where a person reads it, else on
/// standard error, so that a program that reads the answer reads nothing else.
pub(super) struct Screen {
    json: bool,
    for_a_person: bool,
    /// Whether the cursor stands within a line of the answer.
    within_line: bool,
    /// Whether something beside the answer stood here last.
    after_aside: bool,
    /// What was shown of the output of tools that run.
    outputs: HashMap<String, Shown>,
}

/// What was shown of a tool's output.
#[derive(Default)]
struct Shown {
    lines: usize,
    hidden: usize,
    /// The line that is not complete yet.
    rest: String,
}

impl Screen {
    pub(super) fn new(json: bool) -> Self {
        Self {
            json,
            for_a_person: output::is_for_a_person(),
            within_line: false,
            after_aside: false,
            outputs: HashMap::new(),
        }
    }

    /// Shows an event, whose data is also given as it came.
    ///
    /// # Errors
    ///
    /// If nobody reads any more.
    pub(super) fn show(&mut self, event: &ChatEvent, data: &str) -> io::Result<()> {
        if self.json {
            return output::line(data);
        }
        match event {
            ChatEvent::Text { content } => self.text(content),
            ChatEvent::Retract { .. } => {
                self.aside("(the model starts over; what it wrote just now is void)")
            }
            ChatEvent::ToolCall { name, arguments } => {
                self.aside(&format!("→ {} {}", output::one_line(name), brief(arguments)))
            }
            ChatEvent::ToolOutput { call, content } => {
                let lines = self.outputs.entry(call.clone()).or_default().more(content);
                self.asides(&lines)
            }
            ChatEvent::ToolResult { call, status, content } => self.result(call, status, content),
            ChatEvent::ApprovalRequired { approval, summary, reason } => {
                let (summary, reason) = (output::one_line(summary), output::one_line(reason));
                self.aside(&format!("? It wants to {summary}\n  {reason}\n  ({approval})"))
            }
            ChatEvent::ApprovalDecided { status, by } => {
                let by = by.as_ref().map(|by| format!(" by {}", output::one_line(by))).unwrap_or_default();
                self.aside(&format!("  {}{by}", output::one_line(status)))
            }
            ChatEvent::Error { code, message } => {
                self.note(&format!("error: {} ({})", output::plain(message), output::one_line(code)));
                Ok(())
            }
            ChatEvent::Done(_) => self.end_line(),
            ChatEvent::Start { .. } | ChatEvent::Other => Ok(()),
        }
    }

    fn text(&mut self, content: &str) -> io::Result<()> {
        // Line ends that set a text apart from the one before do so after something else stood between them too.
        let text = if self.after_aside { content.trim_start_matches('\n') } else { content };
        if text.is_empty() {
            return Ok(());
        }
        self.after_aside = false;
        self.within_line = !text.ends_with('\n');
        output::piece(&output::plain(text))
    }

    /// Shows what came of a tool, without what its output has shown already.
    fn result(&mut self, call: &str, status: &str, content: &str) -> io::Result<()> {
        let mut lines = match self.outputs.remove(call) {
            Some(shown) => shown.end(),
            None => {
                let mut shown = Shown::default();
                let mut lines = shown.more(content);
                lines.extend(shown.end());
                lines
            }
        };
        if status != "done" {
            lines.push(format!("  {}", output::one_line(status)));
        }
        self.asides(&lines)
    }

    /// Says something beside the conversation.
    pub(super) fn note(&mut self, text: &str) {
        // silent-ok: whoever does not read the answer any more does not read this either
        let _ = self.end_line();
        output::note(text);
    }

    fn asides(&mut self, lines: &[String]) -> io::Result<()> {
        if lines.is_empty() { Ok(()) } else { self.aside(&lines.join("\n")) }
    }

    fn aside(&mut self, text: &str) -> io::Result<()> {
        if !self.for_a_person {
            output::note(text);
            return Ok(());
        }
        self.end_line()?;
        self.after_aside = true;
        output::line(format!("\u{1b}[2m{text}\u{1b}[0m"))
    }

    fn end_line(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.within_line) && !self.json { output::line("") } else { Ok(()) }
    }
}

impl Shown {
    /// Takes more output and returns the lines to show.
    fn more(&mut self, content: &str) -> Vec<String> {
        self.rest.push_str(&output::plain(content));
        let mut lines = Vec::new();
        while let Some(end) = self.rest.find('\n') {
            let line: String = self.rest.drain(..=end).collect();
            lines.extend(self.line(line.trim_end()));
        }
        lines
    }

    /// Returns the lines that are left at the end.
    fn end(mut self) -> Vec<String> {
        let rest = std::mem::take(&mut self.rest);
        let last = if rest.is_empty() { None } else { self.line(&rest) };
        let more = (self.hidden > 0).then(|| format!("  … {} more lines", self.hidden));
        last.into_iter().chain(more).collect()
    }

    fn line(&mut self, line: &str) -> Option<String> {
        if self.lines >= OUTPUT_LINES {
            self.hidden += 1;
            return None;
        }
        self.lines += 1;
        Some(format!("  {}", cut(line)))
    }
}

/// Writes a tool's arguments in one line: the value alone where there is only one.
fn brief(arguments: &Value) -> String {
    let value = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let text = match arguments {
        Value::Object(map) if map.len() == 1 => map.values().map(value).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, item)| format!("{key}={}", value(item))).collect::<Vec<_>>().join(" ")
        }
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => value(arguments),
    };
    cut(&output::one_line(&text))
}

fn cut(line: &str) -> String {
    if line.chars().count() <= LINE_CHARS {
        return line.to_owned();
    }
    line.chars().take(LINE_CHARS).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_call_is_told_in_one_line() {
        assert_eq!(brief(&json!({ "command": "ls\n-la" })), "ls -la");
        let text = brief(&json!({ "path": "a.txt", "content": "x".repeat(500) }));
        assert!(text.starts_with("content=xxx") && text.ends_with('…'), "{text}");
        assert_eq!(text.chars().count(), LINE_CHARS + 1);
    }

    #[test]
    fn long_output_is_cut_and_says_how_much_is_missing() {
        let mut shown = Shown::default();
        let lines = shown.more("one\ntw");
        assert_eq!(lines, ["  one"], "a line is shown when it is whole");
        assert_eq!(shown.more("o\n"), ["  two"]);
        let content = (3..=20).map(|n| format!("line {n}\n")).collect::<String>();
        assert_eq!(shown.more(&content).last().map(String::as_str), Some("  line 12"));
        shown.more("the last");
        assert_eq!(shown.end(), ["  … 9 more lines"]);
    }
}

//! Says what is wrong with a request's JSON or query, in the caller's terms: which field, and what would be right.
//!
//! What the caller sent is never repeated, since a secret in the wrong place is a secret all the same.

/// Makes a sentence of what serde found at a path.
pub(crate) fn explain(path: &str, problem: &str) -> String {
    let problem = without_position(problem);
    let path = if path == "." { "" } else { path };
    if let Some(field) = problem.strip_prefix("missing field ").and_then(quoted) {
        return format!("{} is required", below(path, field));
    }
    if let Some(field) = problem.strip_prefix("duplicate field ").and_then(quoted) {
        return format!("{} is given twice", below(path, field));
    }
    if let Some((field, rest)) = problem.strip_prefix("unknown field ").and_then(quoted_and_rest) {
        let field = below(path.strip_suffix(field).map_or(path, |path| path.trim_end_matches('.')), field);
        return format!("{field} is not a known field{}", known(rest));
    }
    if let Some((_, rest)) = problem.strip_prefix("unknown variant ").and_then(quoted_and_rest) {
        return format!("{} is not one of the known values{}", or_body(path), known(rest));
    }
    let wrong = problem.strip_prefix("invalid type: ").or_else(|| problem.strip_prefix("invalid value: "));
    if let Some((found, expected)) = wrong.and_then(|wrong| wrong.rsplit_once(", expected ")) {
        return format!("{} is {}; it must be {}", or_body(path), found_name(found), expected_name(expected));
    }
    if problem.contains("invalid digit")
        || problem.contains("number too large")
        || problem.contains("cannot parse integer")
    {
        return format!("{} must be a whole number", or_body(path));
    }
    if problem.contains("provided string was not `true` or `false`") {
        return format!("{} must be true or false", or_body(path));
    }
    format!("{} {problem}", or_body(path))
}

fn or_body(path: &str) -> &str {
    if path.is_empty() { "the body" } else { path }
}

fn below(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

/// Takes off `at line 1 column 5`, which means little to whoever has the field's name.
fn without_position(problem: &str) -> &str {
    problem.rfind(" at line ").map_or(problem, |at| &problem[..at])
}

fn quoted(text: &str) -> Option<&str> {
    quoted_and_rest(text).map(|(name, _)| name)
}

fn quoted_and_rest(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('`')?.split_once('`')
}

/// Turns `, expected one of …` into `; known are …`.
fn known(rest: &str) -> String {
    let list = rest.strip_prefix(", expected one of ").or_else(|| rest.strip_prefix(", expected "));
    list.map(|list| format!("; known are {}", list.replace('`', ""))).unwrap_or_default()
}

/// Names the kind of what was found, without the value.
fn found_name(found: &str) -> &'static str {
    let starts = |prefix: &str| found.starts_with(prefix);
    match () {
        () if starts("string") || starts("character") => "a text",
        () if starts("integer") || starts("floating") || starts("number") => "a number",
        () if starts("boolean") => "true or false",
        () if starts("null") || starts("Option") || starts("unit") => "null",
        () if starts("sequence") || starts("tuple") => "a list",
        () if starts("map") || starts("struct") => "an object",
        () => "something else",
    }
}

fn expected_name(expected: &str) -> &str {
    match expected {
        "a string" | "str" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" => "a whole number in range",
        "f32" | "f64" => "a number",
        _ if expected.starts_with("struct ") => "an object",
        _ => expected,
    }
}

#[cfg(test)]
mod tests;

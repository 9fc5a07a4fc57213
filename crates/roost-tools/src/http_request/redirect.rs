//! Decides what follows from an answer that points elsewhere.
//!
//! The gate decided about one host and port. A redirect is followed there, and to other listed places where
//! listed places need no approval; whatever else is handed back to the model, which can ask for it and so pass
//! the gate. Pure.

use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Method, StatusCode};
use roost_domain::gate::Profile;
use roost_ports::machine::Spec;

use super::{Hop, Target};

/// What follows from an answer.
pub(super) enum Next {
    /// It is the answer.
    Answer,
    /// This request, in its place.
    Follow(Box<Hop>),
    /// The redirect itself is the answer, for this reason.
    HandBack(String),
}

/// Decides what follows from the answer to `hop`.
pub(super) fn next(hop: &Hop, status: StatusCode, headers: &HeaderMap, spec: &Spec) -> Next {
    let Some(method) = method_after(hop, status) else { return Next::Answer };
    let Some(location) = headers.get(LOCATION) else { return Next::Answer };
    let url = location.to_str().ok().and_then(|location| hop.target.url.join(location).ok());
    let Some(url) = url else { return Next::HandBack("its location is no URL".to_owned()) };
    let target = match Target::new(url) {
        Ok(target) => target,
        Err(problem) => return Next::HandBack(format!("its location {problem}")),
    };
    let keeps_body = method == hop.method;
    let mut onward = Hop {
        body: if keeps_body { hop.body.clone() } else { None },
        headers: hop.headers.clone(),
        method,
        target,
    };
    if !keeps_body {
        onward.headers.remove(reqwest::header::CONTENT_TYPE);
    }
    if hop.target.url.scheme() == "https" && onward.target.url.scheme() == "http" {
        return Next::HandBack("it leads from https to http".to_owned());
    }
    let Target { host, port, .. } = &onward.target;
    if spec.network.forbids(host, *port) {
        return Next::HandBack(format!("it leads to {host}:{port}, where the agent may not connect to"));
    }
    if same_place(&hop.target, &onward.target) {
        return Next::Follow(Box::new(onward));
    }
    if spec.profile == Profile::Strict || !spec.network.lists(host, *port) {
        return Next::HandBack(format!("it leads to {host}:{port}; send a request there if that is wanted"));
    }
    if !onward.is_safe() || onward.body.is_some() {
        return Next::HandBack(format!(
            "it would send the {} and its body to another host, {host}",
            onward.method
        ));
    }
    // What was meant for one host is not shown to another.
    onward.headers.clear();
    Next::Follow(Box::new(onward))
}

/// Returns the method of the request that follows; `None` if the status is no redirect to follow.
///
/// **Source:** RFC 9110, 15.4, with the historical change of POST to GET that browsers make.
fn method_after(hop: &Hop, status: StatusCode) -> Option<Method> {
    match status {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND if hop.method == Method::POST => Some(Method::GET),
        StatusCode::SEE_OTHER if hop.method != Method::HEAD => Some(Method::GET),
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::SEE_OTHER
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => Some(hop.method.clone()),
        _ => None,
    }
}

/// Tells whether both are the same service: the same host and port, or the step from a host's http to its https.
fn same_place(from: &Target, to: &Target) -> bool {
    let upgrade =
        from.url.scheme() == "http" && to.url.scheme() == "https" && (from.port, to.port) == (80, 443);
    from.host == to.host && (from.port == to.port || upgrade)
}

#[cfg(test)]
mod tests;

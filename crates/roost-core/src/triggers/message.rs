use roost_domain::secret::Secret;

/// A request that came to a trigger's URL.
pub struct HookRequest {
    /// The last part of the URL.
    pub token: Secret,
    /// `POST`, `GET`.
    pub method: String,
    /// What stands after the `?`, as it came; empty if nothing does.
    pub query: String,
    /// The headers whose values are text, names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

impl HookRequest {
    /// Returns the first value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim())
    }

    /// Returns the first value of a parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let mut parameters = url::form_urlencoded::parse(self.query.as_bytes());
        parameters.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// Returns the body, where it is JSON.
    pub(super) fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

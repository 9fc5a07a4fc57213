//! Channels as GoPilot's create body names them, with their credentials.

use roost_http::Failure;
use serde_json::{Map, Value};

use super::secrets::{SecretText, SecretsByName};

/// What each channel needs: its fields in the body, and the secrets they become.
const CHANNELS: [(&str, &[(&str, &str)]); 4] = [
    ("slack", &[("appToken", "slack_app_token"), ("botToken", "slack_bot_token")]),
    ("discord", &[("botToken", "discord_bot_token")]),
    ("telegram", &[("botToken", "telegram_bot_token")]),
    ("whatsapp", &[]),
];

/// Reads `{"slack": {"appToken": …}}` or `[{"type": "slack", "appToken": …}]`: puts the credentials with the
/// other secrets and returns the channels' names.
pub(super) fn read(channels: &Value, secrets: &mut SecretsByName) -> Result<Vec<&'static str>, Failure> {
    match channels {
        Value::Object(by_name) => by_name
            .iter()
            .map(|(name, settings)| read_one(&format!("channels.{name}"), name, settings, secrets))
            .collect(),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(index, settings)| {
                let path = format!("channels[{index}]");
                let name = settings.get("type").and_then(Value::as_str);
                let name = name.ok_or_else(|| Failure::invalid(&format!("{path}.type"), "is required"))?;
                read_one(&path, name, settings, secrets)
            })
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Err(Failure::invalid("channels", "must be an object with a channel's name as each key"))
        }
    }
}

fn read_one(
    path: &str,
    name: &str,
    settings: &Value,
    secrets: &mut SecretsByName,
) -> Result<&'static str, Failure> {
    let Some((name, fields)) = CHANNELS.into_iter().find(|(known, _)| *known == name) else {
        return Err(Failure::invalid(
            path,
            "is not a known channel; known are slack, discord, telegram, whatsapp",
        ));
    };
    let nothing = Map::new();
    let given = match settings {
        Value::Object(given) => given,
        Value::Null | Value::Bool(true) if fields.is_empty() => &nothing,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            return Err(Failure::invalid(path, "must be an object"));
        }
    };
    if let Some(unknown) =
        given.keys().find(|key| *key != "type" && !fields.iter().any(|(field, _)| field == key))
    {
        return Err(Failure::invalid(&format!("{path}.{unknown}"), "is not a known field"));
    }
    for (field, stored) in fields {
        let path = format!("{path}.{field}");
        let text = match given.get(*field) {
            Some(Value::String(text)) => text,
            Some(_) => return Err(Failure::invalid(&path, "must be a text")),
            None => return Err(Failure::invalid(&path, "is required")),
        };
        secrets.add(&path, (*stored).to_owned(), SecretText::new(text))?;
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outcome(channels: &Value) -> Result<(Vec<&'static str>, Vec<String>), String> {
        let mut secrets = SecretsByName::default();
        let names = read(channels, &mut secrets).map_err(|failure| failure.message().to_owned())?;
        Ok((names, secrets.into_map().into_keys().collect()))
    }

    #[test]
    fn both_forms_give_the_same_secrets() {
        let object = json!({"slack": {"appToken": "xapp-1", "botToken": "xoxb-1"}, "whatsapp": {}});
        let list =
            json!([{"type": "slack", "appToken": "xapp-1", "botToken": "xoxb-1"}, {"type": "whatsapp"}]);
        let expected =
            (vec!["slack", "whatsapp"], vec!["slack_app_token".to_owned(), "slack_bot_token".to_owned()]);
        assert_eq!(outcome(&object), Ok(expected.clone()));
        assert_eq!(outcome(&list), Ok(expected));
    }

    #[test]
    fn problems_name_the_field_and_never_the_credential() {
        for (channels, problem) in [
            (json!({"telegram": {}}), "channels.telegram.botToken is required"),
            (json!({"telegram": {"botToken": 5}}), "channels.telegram.botToken must be a text"),
            (json!({"telegram": "12345:secret"}), "channels.telegram must be an object"),
            (json!([{"botToken": "secret"}]), "channels[0].type is required"),
            (json!({"discord": {"token": "secret"}}), "channels.discord.token is not a known field"),
            (json!("slack"), "channels must be an object with a channel's name as each key"),
            (
                json!({"pager": {}}),
                "channels.pager is not a known channel; known are slack, discord, telegram, whatsapp",
            ),
        ] {
            assert_eq!(outcome(&channels), Err(problem.to_owned()));
        }
    }
}

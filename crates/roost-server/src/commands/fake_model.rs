//! `roost fake-model`

use std::process::ExitCode;

use anyhow::Context as _;
use roost_models::fake;
use roost_models::script::Script;

use crate::cli::FakeModel;
use crate::config::file;
use crate::output;
use crate::server::{self, Connections, Signals};

pub(super) async fn run(args: FakeModel) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::catch()?;
    let path = args.script.display();
    let text = std::fs::read_to_string(&args.script)
        .with_context(|| format!("the script {path} cannot be read; check the path given with --script"))?;
    let script = Script::parse(&text).with_context(|| {
        format!("the script {path} cannot be used; docs/scripted-models.md explains the form")
    })?;
    let listener = server::bind(&args.listen).await?;
    let address = listener.local_addr().context("the system does not tell the address that was taken")?;
    let url = server::url(address);
    output::note(format!("listening on http://{address}"));
    output::note(format!(
        "Any key is accepted. For clients and for `roost serve`:\n  ANTHROPIC_BASE_URL={url}\n  \
         OPENAI_BASE_URL={url}/v1\n  GEMINI_BASE_URL={url}"
    ));
    let router = fake::router(script, fake::Options::default());
    let connections = Connections::new(&file::Server::default());
    tokio::select! {
        () = connections.accept(&listener, &router) => {}
        () = signals.next() => {}
    }
    connections.finish_requests();
    tokio::select! {
        () = connections.end_streams() => {}
        () = signals.next() => {}
        () = tokio::time::sleep(file::Server::default().shutdown_timeout.0) => {}
    }
    Ok(ExitCode::SUCCESS)
}

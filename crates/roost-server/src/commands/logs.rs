//! `roost logs`

use std::process::ExitCode;

use futures_util::StreamExt as _;
use reqwest::Method;

use crate::cli::Logs;
use crate::client::{Client, Events};
use crate::output;
use crate::server::Signals;

pub(super) async fn run(args: Logs, client: &Client) -> anyhow::Result<ExitCode> {
    let agent = client.agent(args.agent.as_deref()).await?;
    let tail = args.tail.max(1).to_string();
    if args.follow {
        let path = ["agents", &agent.id, "logs", "stream"];
        let lines = client.stream(Method::GET, &path, &[("tail", &tail)], None).await?;
        return follow(lines).await;
    }
    let answer = client.get(&["agents", &agent.id, "logs"], &[("tail", &tail)]).await?;
    if args.client.output.json {
        output::json(&answer["data"])?;
    } else {
        output::piece(&output::plain(answer["data"]["logs"].as_str().unwrap_or_default()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints lines as they come, until the server ends or somebody has seen enough.
async fn follow(mut lines: Events) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::catch()?;
    loop {
        let line = tokio::select! {
            line = lines.next() => line,
            () = signals.next() => return Ok(ExitCode::SUCCESS),
        };
        match line {
            Some(line) => output::line(output::plain(&line?.data))?,
            None => {
                output::note("The server ended the log; run the command again to go on.");
                return Ok(ExitCode::SUCCESS);
            }
        }
    }
}

//! The engine's API, as far as machines need it. Problems are sentences for a person.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, SystemInfo};
use bollard::query_parameters::{
    CreateContainerOptions, CreateImageOptions, ListContainersOptions, LogsOptions, RemoveContainerOptions,
    StartContainerOptions, WaitContainerOptions,
};
use bollard::{API_DEFAULT_VERSION, Docker};
use bytes::Bytes;
use futures_util::StreamExt;

/// The label that tells whose a container is.
pub(super) const LABEL: &str = "roost.server";
/// How long the engine may take to answer.
const DEADLINE_SECS: u64 = 60;
/// How long a container may take to be gone once its removal has begun.
const REMOVAL: Duration = Duration::from_secs(15);
/// How much of what a container printed is passed on.
const PRINTED_MAX: usize = 2_000;

/// A connection to an engine. Cheap to clone.
#[derive(Clone)]
pub(super) struct Engine {
    docker: Docker,
    info: SystemInfo,
}

impl Engine {
    pub(super) async fn connect(socket: &Path) -> Result<Self, String> {
        let path = socket.to_str().ok_or("its socket's path is not UTF-8")?;
        let docker =
            Docker::connect_with_unix(path, DEADLINE_SECS, API_DEFAULT_VERSION).map_err(|error| {
                format!("{}; is the engine running, and may this user use its socket?", say(&error))
            })?;
        let docker = docker.negotiate_version().await.map_err(|error| say(&error))?;
        let info = docker.info().await.map_err(|error| say(&error))?;
        Ok(Self { docker, info })
    }

    /// Returns what the engine said of itself when it was connected.
    pub(super) const fn info(&self) -> &SystemInfo {
        &self.info
    }

    /// Checks that an image is there.
    pub(super) async fn require_image(&self, name: &str) -> Result<(), String> {
        match self.docker.inspect_image(name).await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, 404) => {
                Err(format!("it has no image {name:?}; fetch it with `docker pull {name}`"))
            }
            Err(error) => Err(say(&error)),
        }
    }

    /// Makes an image of a root directory in a tar archive, unless there is one of that name.
    pub(super) async fn import(&self, repository: &str, tag: &str, archive: Vec<u8>) -> Result<(), String> {
        if self.docker.inspect_image(&format!("{repository}:{tag}")).await.is_ok() {
            return Ok(());
        }
        let options = CreateImageOptions {
            from_src: Some("-".to_owned()),
            repo: Some(repository.to_owned()),
            tag: Some(tag.to_owned()),
            ..CreateImageOptions::default()
        };
        let body = bollard::body_full(Bytes::from(archive));
        let mut progress = std::pin::pin!(self.docker.create_image(Some(options), Some(body), None));
        while let Some(step) = progress.next().await {
            step.map_err(|error| format!("an image cannot be made: {}", say(&error)))?;
        }
        Ok(())
    }

    /// Makes a container; one of the same name that was left goes first.
    pub(super) async fn create(&self, name: &str, body: ContainerCreateBody) -> Result<(), String> {
        let options =
            CreateContainerOptions { name: Some(name.to_owned()), ..CreateContainerOptions::default() };
        match self.docker.create_container(Some(options.clone()), body.clone()).await {
            Ok(_) => return Ok(()),
            Err(error) if is(&error, 409) => self.remove(name).await?,
            Err(error) => return Err(say(&error)),
        }
        self.docker.create_container(Some(options), body).await.map(drop).map_err(|error| say(&error))
    }

    pub(super) async fn start(&self, name: &str) -> Result<(), String> {
        let started = self.docker.start_container(name, None::<StartContainerOptions>).await;
        started.map_err(|error| say(&error))
    }

    /// Returns the id of a running container's first process, as this host knows it.
    pub(super) async fn first_process(&self, name: &str) -> Result<Option<i32>, String> {
        let found = self.docker.inspect_container(name, None).await.map_err(|error| say(&error))?;
        let pid = found.state.and_then(|state| state.pid).and_then(|pid| i32::try_from(pid).ok());
        Ok(pid.filter(|pid| *pid > 0))
    }

    pub(super) async fn pause(&self, name: &str, pause: bool) -> Result<(), String> {
        let done = if pause {
            self.docker.pause_container(name).await
        } else {
            self.docker.unpause_container(name).await
        };
        done.map_err(|error| say(&error))
    }

    /// Waits until a container's first process has ended, and returns what it printed.
    pub(super) async fn ended(&self, name: &str) -> String {
        let options = WaitContainerOptions { condition: "not-running".to_owned() };
        let mut waiting = std::pin::pin!(self.docker.wait_container(name, Some(options)));
        let how = match waiting.next().await {
            None | Some(Ok(_)) => "it ended at once".to_owned(),
            Some(Err(Error::DockerContainerWaitError { code, .. })) => format!("it ended with code {code}"),
            Some(Err(error)) => say(&error),
        };
        let printed = self.printed(name).await;
        if printed.is_empty() { how } else { format!("{how}: {printed}") }
    }

    async fn printed(&self, name: &str) -> String {
        let options = LogsOptions { stdout: true, stderr: true, ..LogsOptions::default() };
        let mut lines = std::pin::pin!(self.docker.logs(name, Some(options)));
        let mut printed = String::new();
        while let Some(Ok(line)) = lines.next().await {
            let (LogOutput::StdErr { message }
            | LogOutput::StdOut { message }
            | LogOutput::StdIn { message }
            | LogOutput::Console { message }) = line;
            printed.push_str(&String::from_utf8_lossy(&message));
            if printed.len() > PRINTED_MAX {
                break;
            }
        }
        printed.trim().chars().take(PRINTED_MAX).collect()
    }

    /// Ends a container, whatever it does, and removes it. When this returns, no process of it is left.
    pub(super) async fn remove(&self, name: &str) -> Result<(), String> {
        let deadline = tokio::time::Instant::now() + REMOVAL;
        loop {
            let options = RemoveContainerOptions { force: true, v: true, link: false };
            match self.docker.remove_container(name, Some(options)).await {
                Ok(()) => return Ok(()),
                Err(error) if is(&error, 404) => return Ok(()),
                // Somebody else removes it already, or it changes its state at this moment.
                Err(error) if is(&error, 409) && tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => return Err(say(&error)),
            }
        }
    }

    /// Returns the ids of all containers with a label, running or not.
    pub(super) async fn containers(&self, label: &str, value: &str) -> Result<Vec<String>, String> {
        let filters = HashMap::from([("label".to_owned(), vec![format!("{label}={value}")])]);
        let options =
            ListContainersOptions { all: true, filters: Some(filters), ..ListContainersOptions::default() };
        let found = self.docker.list_containers(Some(options)).await.map_err(|error| say(&error))?;
        Ok(found.into_iter().filter_map(|container| container.id).collect())
    }
}

fn is(error: &Error, status: u16) -> bool {
    matches!(error, Error::DockerResponseServerError { status_code, .. } if *status_code == status)
}

fn say(error: &Error) -> String {
    if let Error::DockerResponseServerError { message, .. } = error {
        return message.trim().to_owned();
    }
    let mut said = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_said = cause.to_string();
        if !said.contains(&cause_said) {
            said = format!("{said}: {cause_said}");
        }
        source = cause.source();
    }
    said
}

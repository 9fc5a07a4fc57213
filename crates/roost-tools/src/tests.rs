//! What the tests of the tools share: machines in memory, permits from the gate, calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use roost_domain::effect::{Action, Cause, Effect};
use roost_domain::files::FileRules;
use roost_domain::gate::{Decision, Permit, Profile, Rules, decide};
use roost_domain::guard::Guard;
use roost_domain::id::{AgentId, SessionId, TurnId};
use roost_domain::machine::{Condition, Layer, Size, Stats};
use roost_domain::network::NetworkRules;
use roost_domain::tool::{ToolCall, ToolCallId, ToolOutcome};
use roost_domain::unit::Bytes;
use roost_ports::machine::{
    Command, Entry, EntryKind, Error, Exit, ExitStatus, FilePart, Machine, Machines, Match, Output, Spec,
};
use roost_ports::tool::{Injections, Plan, Tools};
use serde_json::Value;
use uuid::Uuid;

use crate::{BuiltinTools, HttpOptions};

/// A machine whose files are a map and whose commands print what the test says.
pub(crate) struct FakeMachine {
    pub(crate) files: Mutex<BTreeMap<String, Vec<u8>>>,
    pub(crate) prints: Mutex<Vec<Piece>>,
    pub(crate) exit: Mutex<Exit>,
    pub(crate) commands: Mutex<Vec<Command>>,
    /// The most bytes one read returns.
    read_max: usize,
}

#[derive(Clone)]
pub(crate) enum Piece {
    Out(Vec<u8>),
    Err(Vec<u8>),
}

impl FakeMachine {
    pub(crate) fn new(files: &[(&str, &[u8])]) -> Arc<Self> {
        Self::reading(files, usize::MAX)
    }

    pub(crate) fn reading(files: &[(&str, &[u8])], read_max: usize) -> Arc<Self> {
        let files = files.iter().map(|(path, content)| ((*path).to_owned(), content.to_vec())).collect();
        let exit = Exit { status: ExitStatus::Code(0), took: Duration::from_millis(1300), dropped: Bytes(0) };
        Arc::new(Self {
            files: Mutex::new(files),
            prints: Mutex::default(),
            exit: Mutex::new(exit),
            commands: Mutex::default(),
            read_max,
        })
    }

    pub(crate) fn text(&self, path: &str) -> String {
        String::from_utf8(self.files.lock().unwrap()[path].clone()).unwrap()
    }
}

/// Fails unless the permit is for this act, as every driver does.
fn permitted(permit: &Permit, covers: impl Fn(&Action) -> bool) -> Result<(), Error> {
    if permit.agent() == agent() && covers(permit.action()) { Ok(()) } else { Err(Error::NotPermitted) }
}

fn reads(permit: &Permit, wanted: &str) -> Result<(), Error> {
    permitted(
        permit,
        |action| matches!(action, Action::ReadFiles { path } | Action::WriteFile { path } if path == wanted),
    )
}

#[async_trait]
impl Machine for FakeMachine {
    async fn exec(
        &self,
        permit: &Permit,
        command: Command,
        output: &mut (dyn for<'piece> FnMut(Output<'piece>) + Send),
    ) -> Result<Exit, Error> {
        permitted(permit, |action| *action == Action::RunCommand { command: command.line.clone() })?;
        self.commands.lock().unwrap().push(command);
        for piece in self.prints.lock().unwrap().iter() {
            match piece {
                Piece::Out(bytes) => output(Output::Stdout(bytes)),
                Piece::Err(bytes) => output(Output::Stderr(bytes)),
            }
        }
        Ok(*self.exit.lock().unwrap())
    }

    async fn serve(
        &self,
        _: &Permit,
        _: Command,
        _: &mut (dyn for<'piece> FnMut(Output<'piece>) + Send),
    ) -> Result<Exit, Error> {
        unreachable!("no tool serves")
    }

    async fn dial(&self, _: &Permit, _: u16) -> Result<std::net::TcpStream, Error> {
        unreachable!("no tool dials")
    }

    async fn read(&self, permit: &Permit, path: &str, offset: u64, max: Bytes) -> Result<FilePart, Error> {
        reads(permit, path)?;
        let files = self.files.lock().unwrap();
        let content = files.get(path).ok_or_else(|| Error::NotFound { path: path.to_owned() })?;
        let size = Bytes(content.len() as u64);
        let max = usize::try_from(max.0).unwrap().min(self.read_max);
        let content = content.iter().skip(usize::try_from(offset).unwrap()).take(max).copied().collect();
        Ok(FilePart { content, size })
    }

    async fn write(&self, permit: &Permit, path: &str, content: &[u8]) -> Result<(), Error> {
        permitted(permit, |action| *action == Action::WriteFile { path: path.to_owned() })?;
        self.files.lock().unwrap().insert(path.to_owned(), content.to_vec());
        Ok(())
    }

    async fn list(&self, permit: &Permit, path: &str, _: u32, max: u32) -> Result<Vec<Entry>, Error> {
        reads(permit, path)?;
        let files = self.files.lock().unwrap();
        let entry = |(path, content): (&String, &Vec<u8>)| match path.strip_suffix('/') {
            Some(directory) => {
                Entry { path: directory.to_owned(), kind: EntryKind::Directory, size: Bytes(0) }
            }
            None => Entry { path: path.clone(), kind: EntryKind::File, size: Bytes(content.len() as u64) },
        };
        Ok(files.iter().take(max as usize).map(entry).collect())
    }

    async fn search(
        &self,
        permit: &Permit,
        path: &str,
        pattern: &str,
        max: u32,
    ) -> Result<Vec<Match>, Error> {
        reads(permit, path)?;
        if pattern == "(" {
            return Err(Error::BadPattern { problem: "unclosed group".to_owned() });
        }
        let files = self.files.lock().unwrap();
        let lines = files.iter().flat_map(|(path, content)| {
            let text = String::from_utf8_lossy(content).into_owned();
            let lines: Vec<_> = text.lines().map(str::to_owned).enumerate().collect();
            lines.into_iter().map(move |(index, text)| Match {
                path: path.clone(),
                line: index as u64 + 1,
                text,
            })
        });
        Ok(lines.filter(|found| found.text.contains(pattern)).take(max as usize).collect())
    }
}

/// Machines of which there is one, or none that starts.
struct FakeMachines(Option<Arc<FakeMachine>>);

#[async_trait]
impl Machines for FakeMachines {
    async fn open(&self, _: &Permit, _: &Spec) -> Result<Arc<dyn Machine>, Error> {
        match &self.0 {
            Some(machine) => Ok(Arc::clone(machine) as Arc<dyn Machine>),
            None => Err(Error::CannotStart { problem: "no user namespaces".to_owned() }),
        }
    }

    async fn freeze(&self, _: AgentId) -> Result<(), Error> {
        Ok(())
    }

    async fn thaw(&self, _: AgentId) -> Result<(), Error> {
        Ok(())
    }

    async fn stop(&self, _: AgentId) -> Result<(), Error> {
        Ok(())
    }

    async fn destroy(&self, _: AgentId) -> Result<(), Error> {
        Ok(())
    }

    async fn stats(&self, _: AgentId) -> Result<Option<Stats>, Error> {
        Ok(None)
    }

    fn condition(&self, _: AgentId) -> Condition {
        Condition::Absent
    }

    fn connections(&self, _: AgentId) -> u64 {
        0
    }

    fn idle(&self, _: Duration) -> Vec<AgentId> {
        Vec::new()
    }

    async fn workspaces(&self) -> Result<Vec<AgentId>, Error> {
        Ok(Vec::new())
    }

    fn layers(&self) -> Vec<Layer> {
        Vec::new()
    }

    async fn shutdown(&self) {}
}

pub(crate) fn agent() -> AgentId {
    AgentId::from_uuid(Uuid::from_u128(7))
}

/// Returns a machine's spec under a profile, with listed and privately listed hosts.
pub(crate) fn spec(profile: Profile, allow: &[&str], allow_private: &[&str]) -> Spec {
    let rules = |hosts: &[&str]| hosts.iter().map(|host| host.parse().unwrap()).collect();
    let network =
        NetworkRules { allow: rules(allow), allow_private: rules(allow_private), ..NetworkRules::default() };
    Spec {
        agent: agent(),
        limits: Size::Small.limits(),
        profile,
        network,
        files: FileRules::default(),
        hosted: None,
    }
}

/// Asks the gate, under the profile that allows everything.
pub(crate) fn permit(call: &ToolCall, action: Action) -> Permit {
    let effect = Effect {
        agent: agent(),
        session: SessionId::from_uuid(Uuid::from_u128(8)),
        turn: TurnId::from_uuid(Uuid::from_u128(9)),
        cause: Cause::Tool(call.clone()),
        action,
        scripts: Vec::new(),
    };
    let (network, guard) = (NetworkRules::default(), Guard::default());
    match decide(&effect, &Rules::new(Profile::Open, &network, &guard)) {
        Decision::Allowed(permit, _) => permit,
        Decision::NeedsApproval(reason) | Decision::Blocked(reason) => panic!("{reason}"),
    }
}

pub(crate) fn call(tool: &str, arguments: Value) -> ToolCall {
    ToolCall { id: ToolCallId::from_text("call_1_0"), tool: tool.to_owned(), arguments }
}

/// Returns the tools over one machine; `None` is a host on which no machine starts.
pub(crate) fn tools(machine: Option<Arc<FakeMachine>>, http: HttpOptions) -> BuiltinTools {
    BuiltinTools::new(Arc::new(FakeMachines(machine)), http)
}

/// Plans a call, gets the gate's permit and runs it; a call that cannot be planned panics.
pub(crate) async fn run(tools: &BuiltinTools, spec: &Spec, tool: &str, arguments: Value) -> ToolOutcome {
    let call = call(tool, arguments);
    let Plan::Act { action, .. } = tools.plan(&call).unwrap() else { panic!("{tool} does not act") };
    tools.run(&permit(&call, action), &call, spec, &Injections::default(), &mut |_| {}).await
}

/// Runs a call against one machine.
pub(crate) async fn run_on(machine: &Arc<FakeMachine>, tool: &str, arguments: Value) -> ToolOutcome {
    let tools = tools(Some(Arc::clone(machine)), HttpOptions::system());
    run(&tools, &spec(Profile::Standard, &[], &[]), tool, arguments).await
}

use roost_domain::id::SandboxId;
use roost_domain::sandbox::{Violation, ViolationKind};
use roost_ports::machine::Attempt;
use roost_ports::store::Writer;

use crate::Error;

/// Notes on a sandbox's run the first host that it was kept from. Machines that are no sandbox's are passed over.
pub(crate) fn note_refusal(writer: &mut dyn Writer, attempt: Attempt) -> Result<(), Error> {
    let Some(why) = attempt.refused else { return Ok(()) };
    let sandbox = SandboxId::of_machine(attempt.agent);
    if let Some(mut run) = writer.open_sandbox_run(sandbox)?
        && run.violation.is_none()
    {
        let detail = format!("{}: {why}", attempt.target);
        run.violation = Some(Violation { kind: ViolationKind::DomainBlocked, detail });
        writer.update_sandbox_run(&run)?;
    }
    Ok(())
}

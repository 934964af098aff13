//! Landlock: the second lock on the file system, and the only one where there are no mount namespaces.

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, NetPort, PathBeneath, PathFd,
    Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetStatus, Scope,
};

use super::Refused;
use super::plan::Rules;

/// The newest set of rights that the rules below were written for. Older kernels enforce what they know.
const WRITTEN_FOR: ABI = ABI::V6;

/// Restricts this process and all that it will start.
///
/// # Errors
/// What the kernel says; `not enforced` on a kernel without landlock.
pub(super) fn enforce(rules: &Rules) -> Result<(), Refused> {
    restrict(rules).map(drop).map_err(|reason| Refused { step: "enforce landlock".to_owned(), reason })
}

/// As [`enforce`], and says which ABI the kernel has.
pub(crate) fn restrict(rules: &Rules) -> Result<u32, String> {
    let status =
        ruleset(rules).and_then(|ruleset| ruleset.restrict_self().map_err(|error| error.to_string()))?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => {
            Err("landlock is not in this kernel, or not switched on".to_owned())
        }
        (_, LandlockStatus::Available { effective_abi, kernel_abi }) => {
            Ok(kernel_abi.map_or(effective_abi as u32, |abi| u32::try_from(abi).unwrap_or(0)))
        }
        (_, LandlockStatus::NotEnabled | LandlockStatus::NotImplemented) => {
            Err("landlock is not in this kernel, or not switched on".to_owned())
        }
    }
}

fn ruleset(rules: &Rules) -> Result<RulesetCreated, String> {
    let text = |error: landlock::RulesetError| error.to_string();
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(WRITTEN_FOR))
        .map_err(text)?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)
        .map_err(text)?;
    if rules.connect.is_some() {
        ruleset = ruleset.handle_access(AccessNet::ConnectTcp | AccessNet::BindTcp).map_err(text)?;
    }
    let mut created = ruleset.create().map_err(text)?;
    let read = AccessFs::from_read(WRITTEN_FOR);
    let all = AccessFs::from_all(WRITTEN_FOR);
    for (paths, access) in [(&rules.readable, read), (&rules.writable, all)] {
        for path in paths {
            // What the machine lacks needs no rule.
            let Ok(parent) = PathFd::new(path) else { continue };
            let access = if path.is_dir() { access } else { access & AccessFs::from_file(WRITTEN_FOR) };
            created = created.add_rule(PathBeneath::new(parent, access)).map_err(text)?;
        }
    }
    for port in rules.connect.iter().flatten() {
        created = created.add_rule(NetPort::new(*port, AccessNet::ConnectTcp)).map_err(text)?;
    }
    Ok(created)
}

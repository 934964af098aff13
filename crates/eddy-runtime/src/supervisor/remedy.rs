//! What to type to get a missing wall back.

use std::fs;
use std::path::Path;

use crate::Wall;

/// What about this machine decides why walls are missing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Machine {
    /// Ubuntu 23.10 and later: user namespaces without rights, unless a profile allows them.
    apparmor_restricts: bool,
    /// `user.max_user_namespaces` is 0.
    namespaces_off: bool,
    /// Debian's older switch `kernel.unprivileged_userns_clone` is 0.
    clone_off: bool,
    container: bool,
    root: bool,
    systemd: bool,
    executable: String,
}

impl Machine {
    pub(super) fn look() -> Machine {
        let is = |path: &str, value: &str| fs::read_to_string(path).is_ok_and(|text| text.trim() == value);
        let parent = rustix::process::getppid().map_or(0, |pid| pid.as_raw_nonzero().get());
        let executable = fs::read_link(format!("/proc/{parent}/exe"));
        Machine {
            apparmor_restricts: is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"),
            namespaces_off: is("/proc/sys/user/max_user_namespaces", "0"),
            clone_off: is("/proc/sys/kernel/unprivileged_userns_clone", "0"),
            container: Path::new("/.dockerenv").exists()
                || Path::new("/run/.containerenv").exists()
                || std::env::var_os("KUBERNETES_SERVICE_HOST").is_some(),
            root: rustix::process::geteuid().is_root(),
            systemd: Path::new("/run/systemd/system").exists(),
            executable: executable
                .map_or("/usr/local/bin/eddy".to_owned(), |path| path.display().to_string()),
        }
    }

    /// One command, or a few lines to paste. Empty where nothing helps.
    pub(super) fn remedy(&self, wall: Wall, reason: &str) -> String {
        if reason == "switched off by configuration" {
            return "remove the setting that switches it off".to_owned();
        }
        match wall {
            Wall::User
            | Wall::Mount
            | Wall::Process
            | Wall::Network
            | Wall::Ipc
            | Wall::Uts
            | Wall::CgroupView => self.namespaces(),
            Wall::Proc => self.proc(),
            Wall::Seccomp => "use a kernel built with CONFIG_SECCOMP_FILTER".to_owned(),
            Wall::Landlock => "start the kernel (5.13 or later) with landlock in its lsm= list".to_owned(),
            Wall::Memory | Wall::Pids | Wall::Cpu | Wall::Freeze => self.groups(),
        }
    }

    fn namespaces(&self) -> String {
        if self.container && !self.namespaces_off {
            return "start the container with: --cap-add SYS_ADMIN --security-opt seccomp=unconfined \
                    --security-opt apparmor=unconfined --security-opt systempaths=unconfined"
                .to_owned();
        }
        if self.namespaces_off {
            return "sudo sysctl -w user.max_user_namespaces=15000".to_owned();
        }
        if self.clone_off {
            return "sudo sysctl -w kernel.unprivileged_userns_clone=1".to_owned();
        }
        if self.apparmor_restricts && !self.root {
            return apparmor_profile(&self.executable);
        }
        if self.root { String::new() } else { "run eddy as root".to_owned() }
    }

    fn proc(&self) -> String {
        if self.container {
            return "start the container with: --security-opt systempaths=unconfined".to_owned();
        }
        self.namespaces()
    }

    fn groups(&self) -> String {
        match (self.container, self.root, self.systemd) {
            (true, root, _) => {
                let user = if root { "" } else { "run eddy as root, and " };
                format!(
                    "{user}start the container with: --cgroupns private -v /sys/fs/cgroup:/sys/fs/cgroup:rw"
                )
            }
            (false, false, true) => {
                format!("systemd-run --user --scope -p Delegate=yes {} up", self.executable)
            }
            (false, true, true) => format!("systemd-run --scope -p Delegate=yes {} up", self.executable),
            (false, false, false) => "run eddy as root".to_owned(),
            (false, true, false) => {
                "mount -t cgroup2 none /sys/fs/cgroup, or use a kernel with these controllers".to_owned()
            }
        }
    }
}

/// What Ubuntu wants to be told before a program may use user namespaces.
fn apparmor_profile(executable: &str) -> String {
    format!(
        "sudo tee /etc/apparmor.d/eddy >/dev/null <<'END' && sudo apparmor_parser -r /etc/apparmor.d/eddy\n\
         abi <abi/4.0>,\n\
         include <tunables/global>\n\
         profile eddy {executable} flags=(unconfined) {{\n  userns,\n}}\n\
         END"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_machine_gets_its_own_command() {
        let ubuntu =
            Machine { apparmor_restricts: true, executable: "/opt/eddy".into(), ..Machine::default() };
        let docker = Machine { container: true, root: true, ..Machine::default() };
        let desktop = Machine { systemd: true, executable: "/opt/eddy".into(), ..Machine::default() };
        let table = [
            (&ubuntu, Wall::User, "profile eddy /opt/eddy flags=(unconfined)"),
            (&docker, Wall::Mount, "--cap-add SYS_ADMIN"),
            (&docker, Wall::Proc, "systempaths=unconfined"),
            (&docker, Wall::Memory, "--cgroupns private"),
            (&desktop, Wall::Memory, "systemd-run --user --scope -p Delegate=yes /opt/eddy up"),
            (&desktop, Wall::Landlock, "lsm="),
        ];
        for (machine, wall, expected) in table {
            let remedy = machine.remedy(wall, "EPERM");
            assert!(remedy.contains(expected), "{wall}: {remedy}");
        }
    }
}

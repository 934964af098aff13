//! What a guest sees of the machine: the plan of its jail.
//!
//! Everything that is not named here is not there. `docs/security.md` has the same list for people, and a test
//! walks a jail and holds it against it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::programs;
use crate::contract::variables::{self, Places};
use crate::inside::UID_INSIDE;
use crate::inside::plan::{Kind, Limit, Limited, Mount, Plan, Program, Rules, Shape};
use crate::limits::OPEN_FILES_MAX;
use crate::python::Interpreter;
use crate::{Artifact, Error, Runtime, Spec, Wall};

/// Where the platform endpoint is inside a jail.
pub(super) const ENDPOINT_PORT: u16 = 4566;

/// Where the Runtime API is inside a jail.
pub(super) const API_PORT: u16 = 9001;

/// The bootstrap inside a jail.
const BOOTSTRAP: &str = "/run/eddy/bootstrap.pyc";

/// The first host user of the range that privileged supervisors turn guests into, and how many there are.
const OUTER_IDS: std::ops::Range<u32> = 1_845_000_000..1_845_060_000;

/// The shared libraries of the system. Interpreters and wheels link against them.
#[cfg(target_arch = "x86_64")]
const SYSTEM_LIBRARIES: &[&str] =
    &["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/lib/x86_64-linux-gnu", "/lib64"];
#[cfg(target_arch = "aarch64")]
const SYSTEM_LIBRARIES: &[&str] =
    &["/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/lib/aarch64-linux-gnu", "/lib64"];

/// Where a system has its libraries in `/usr/lib` itself, it has this file.
const LIBRARIES_IN_USR_LIB: &[&str] =
    &["/usr/lib/libc.so.6", "/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-aarch64.so.1"];

/// What TLS, time zones and the dynamic linker read. None of it is secret or about this machine's users.
const SYSTEM_DATA: &[&str] = &[
    "/etc/ld.so.cache",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/tls/certs",
    "/etc/pki/ca-trust/extracted",
    "/usr/lib/ssl",
    "/usr/lib/locale",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/usr/share/zoneinfo",
];

const DEVICES: &[&str] = &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// What a jail is made of, beside the walls.
pub(super) struct Parts<'a> {
    pub(super) artifact: &'a Artifact,
    pub(super) spec: &'a Spec,
    /// The folder with boto3, if one is installed.
    pub(super) libraries: Option<&'a Path>,
    /// The folder of [`programs::gather`].
    pub(super) programs: &'a Path,
    /// The bootstrap on the host, compiled for the interpreter.
    pub(super) bootstrap: &'a Path,
    /// Numbers the jails of this process.
    pub(super) id: u64,
    /// The guest's own folder and ports on the host, where it has no file system or network of its own.
    pub(super) outside: Outside,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Outside {
    pub(super) temporary: Option<PathBuf>,
    pub(super) endpoint: Option<SocketAddr>,
    pub(super) runtime_api: Option<SocketAddr>,
}

/// The plan of one jail.
///
/// # Errors
/// [`Error::Package`] when there is nothing to run.
pub(super) fn plan(parts: &Parts<'_>, shape: &Shape) -> Result<Plan, Error> {
    let jailed = shape.has(Wall::Mount);
    let places = places(parts, jailed);
    let mounts = mounts(parts, jailed)?;
    let rules = rules(parts, shape, &mounts);
    Ok(Plan {
        files: files(),
        links: links(parts),
        tmp_bytes_max: parts.spec.tmp_bytes_max,
        ports: ports(parts.artifact.package.runtime),
        outer_id: OUTER_IDS.start + (parts.id % OUTER_IDS.len() as u64) as u32,
        limits: limits(parts.spec, shape),
        program: Some(program(parts, &places, jailed)),
        mounts: if jailed { mounts } else { Vec::new() },
        rules,
    })
}

/// The plan of an empty jail: all walls, the system's libraries, nothing to run.
pub(super) fn empty(shape: &Shape) -> Plan {
    let mounts = if shape.has(Wall::Mount) { system() } else { Vec::new() };
    let readable = vec![PathBuf::from("/usr")];
    Plan {
        mounts,
        files: files(),
        tmp_bytes_max: 1 << 20,
        outer_id: OUTER_IDS.start,
        rules: Rules { readable, ..Rules::default() },
        ..Plan::default()
    }
}

fn places(parts: &Parts<'_>, jailed: bool) -> Places {
    let mut places = Places::default();
    if let Some(endpoint) = parts.outside.endpoint {
        places.endpoint = format!("http://{endpoint}");
    }
    if let Some(api) = parts.outside.runtime_api {
        places.runtime_api = api.to_string();
    }
    if !jailed {
        let nowhere = || "/nonexistent".to_owned();
        let text = |path: &Path| path.display().to_string();
        let package = &parts.artifact.package;
        places.task = text(&package.code);
        places.layers = package.layers.as_deref().map_or_else(nowhere, text);
        places.libraries = parts.libraries.map_or_else(nowhere, text);
        places.temporary = parts.outside.temporary.as_deref().map_or_else(|| "/tmp".to_owned(), text);
    }
    places
}

fn mount(from: impl Into<PathBuf>, to: impl Into<PathBuf>, kind: Kind) -> Mount {
    Mount { from: from.into(), to: to.into(), kind }
}

fn same(path: &str, kind: Kind) -> Mount {
    mount(path, path, kind)
}

/// An interpreter works only at its own path, which must not be one that the jail puts something else at.
///
/// # Errors
/// [`Error::Package`] that names the path.
pub(super) fn can_show(python: &Interpreter) -> Result<(), Error> {
    let taken = ["/tmp", "/proc", "/dev", "/sys", "/etc", "/run", "/var/task", "/var/runtime", "/var/lang"];
    match taken.iter().find(|path| python.prefix.starts_with(path)) {
        Some(path) => Err(Error::Package(format!(
            "python3.{} is in {}, and a function has its own {path}: install it elsewhere",
            python.minor,
            python.prefix.display()
        ))),
        None => Ok(()),
    }
}

/// Every source of the host that the jail shows.
fn mounts(parts: &Parts<'_>, jailed: bool) -> Result<Vec<Mount>, Error> {
    let package = &parts.artifact.package;
    let mut mounts = system();
    mounts.extend(programs(parts, jailed));
    mounts.push(mount(&package.code, "/var/task", Kind::Needed));
    if let Some(layers) = &package.layers {
        // Entry by entry, so that an interpreter below /opt and layers can both be there.
        let entries = std::fs::read_dir(layers)
            .map_err(|error| Error::Package(format!("the layers cannot be read: {error}")))?;
        for entry in entries.flatten() {
            mounts.push(mount(entry.path(), Path::new("/opt").join(entry.file_name()), Kind::Needed));
        }
    }
    if let Some(libraries) = parts.libraries {
        mounts.push(mount(libraries, "/var/runtime", Kind::Needed));
    }
    match (&parts.artifact.interpreter, package.runtime) {
        (Some(interpreter), Runtime::Python { .. }) => {
            mounts.extend(of_interpreter(interpreter));
            mounts.push(mount(parts.bootstrap, BOOTSTRAP, Kind::Needed));
        }
        (None, _) | (Some(_), Runtime::Bootstrap) => {}
    }
    Ok(mounts)
}

/// Libraries, data and devices.
fn system() -> Vec<Mount> {
    let mut mounts = Vec::new();
    for path in SYSTEM_LIBRARIES.iter().filter(|path| is_folder_itself(path)) {
        mounts.push(same(path, Kind::Optional));
    }
    if LIBRARIES_IN_USR_LIB.iter().any(|path| Path::new(path).exists()) {
        mounts.extend(
            ["/usr/lib", "/lib"].iter().filter(|p| is_folder_itself(p)).map(|p| same(p, Kind::Optional)),
        );
    }
    mounts
        .extend(SYSTEM_DATA.iter().filter(|path| Path::new(path).exists()).map(|p| same(p, Kind::Optional)));
    mounts.extend(DEVICES.iter().map(|path| same(path, Kind::Device)));
    mounts
}

/// An interpreter works only at its own path. Its prefix is bound there, and as `/var/lang` for who looks for that.
/// One of the system shares its prefix with everything else, so of that only its own parts are bound.
fn of_interpreter(python: &Interpreter) -> Vec<Mount> {
    let mut mounts = Vec::new();
    if python.is_of_system() {
        let name = format!("python3.{}", python.minor);
        mounts.push(mount(&python.executable, &python.executable, Kind::Needed));
        mounts.push(mount(&python.stdlib, &python.stdlib, Kind::Needed));
        mounts.push(mount(&python.executable, Path::new("/var/lang/bin").join(&name), Kind::Needed));
        mounts.push(mount(&python.stdlib, Path::new("/var/lang/lib").join(&name), Kind::Needed));
    } else {
        mounts.push(mount(&python.prefix, &python.prefix, Kind::Needed));
        mounts.push(mount(&python.prefix, "/var/lang", Kind::Needed));
    }
    mounts.extend(python.libraries.iter().map(|path| mount(path, path, Kind::Optional)));
    mounts
}

/// Our copies in place of the system's; where a guest sees the host's files, those.
fn programs(parts: &Parts<'_>, jailed: bool) -> Vec<Mount> {
    if jailed {
        return vec![mount(parts.programs, programs::INSIDE, Kind::Needed)];
    }
    programs::of_system().map(|(_, path)| mount(&path, &path, Kind::Optional)).collect()
}

/// Neither missing nor a link to another: links are made as links.
fn is_folder_itself(path: &str) -> bool {
    let path = Path::new(path);
    path.is_dir() && path.canonicalize().is_ok_and(|real| real == path)
}

fn files() -> Vec<(PathBuf, String)> {
    let user = UID_INSIDE;
    [
        (
            "/etc/passwd",
            format!(
                "root:x:0:0:root:/root:/usr/sbin/nologin\nsbx_user1051:x:{user}:990::/home/sbx_user1051:/usr/sbin/nologin\n\
                 nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
            ),
        ),
        ("/etc/group", "root:x:0:\nsbx_user1051:x:990:\nnogroup:x:65534:\n".to_owned()),
        ("/etc/hosts", "127.0.0.1 localhost sandbox sandbox.localdomain\n".to_owned()),
        ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n".to_owned()),
    ]
    .map(|(path, content)| (PathBuf::from(path), content))
    .to_vec()
}

fn links(parts: &Parts<'_>) -> Vec<(PathBuf, PathBuf)> {
    let mut links = vec![
        ("/bin", "usr/bin"),
        ("/dev/fd", "/proc/self/fd"),
        ("/dev/stdin", "/proc/self/fd/0"),
        ("/dev/stdout", "/proc/self/fd/1"),
        ("/dev/stderr", "/proc/self/fd/2"),
        ("/etc/localtime", "/usr/share/zoneinfo/UTC"),
    ];
    for (link, target) in
        [("/lib", "usr/lib"), ("/lib64", "usr/lib64"), ("/lib64", "usr/lib"), ("/usr/lib64", "lib")]
    {
        if std::fs::read_link(link).is_ok_and(|real| Path::new("/").join(real).ends_with(target)) {
            links.push((link, target));
        }
    }
    let mut links: Vec<_> = links.into_iter().map(|(a, b)| (PathBuf::from(a), PathBuf::from(b))).collect();
    if let Some(python) = parts.artifact.interpreter.as_deref().filter(|python| python.is_of_system()) {
        links.push(("/var/lang/bin/python3".into(), format!("python3.{}", python.minor).into()));
    }
    links
}

fn ports(runtime: Runtime) -> Vec<SocketAddr> {
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match runtime {
        Runtime::Python { .. } => vec![at(ENDPOINT_PORT)],
        Runtime::Bootstrap => vec![at(ENDPOINT_PORT), at(API_PORT)],
    }
}

fn limits(spec: &Spec, shape: &Shape) -> Vec<Limit> {
    let mut limits = vec![
        Limit { resource: Limited::OpenFiles, most: OPEN_FILES_MAX },
        // One byte, not none: a kernel that hands core dumps to a program of the host ignores a limit of zero, and takes
        // one for "never".
        Limit { resource: Limited::CoreBytes, most: 1 },
        Limit { resource: Limited::LockedBytes, most: 64 * 1024 },
        Limit { resource: Limited::QueueBytes, most: 64 * 1024 },
        Limit { resource: Limited::RealTimePriority, most: 0 },
    ];
    // The kernel counts processes per user; only where the user is the jail's own is that the guest's number.
    if !shape.has(Wall::Pids) && (shape.privileged || shape.has(Wall::User)) {
        limits.push(Limit { resource: Limited::Processes, most: u64::from(spec.pids_max) });
    }
    if !shape.has(Wall::Memory) {
        // Counts reservations too, such as the stacks of threads: generous, to stop only what runs away between two
        // looks.
        let most = spec.memory_bytes_max * 2 + (256 << 20);
        limits.push(Limit { resource: Limited::DataBytes, most });
    }
    limits
}

fn rules(parts: &Parts<'_>, shape: &Shape, mounts: &[Mount]) -> Rules {
    let devices = DEVICES.iter().map(PathBuf::from);
    let (readable, temporary) = if shape.has(Wall::Mount) {
        (vec![PathBuf::from("/")], PathBuf::from("/tmp"))
    } else {
        let shown = mounts.iter().filter(|mount| mount.kind != Kind::Device).map(|mount| mount.from.clone());
        let linked = ["/etc/localtime", "/etc/hosts", "/etc/nsswitch.conf"].map(PathBuf::from);
        (shown.chain(linked).collect(), parts.outside.temporary.clone().unwrap_or_default())
    };
    let connect =
        [parts.outside.endpoint, parts.outside.runtime_api].into_iter().flatten().map(|at| at.port());
    Rules {
        readable,
        writable: devices.chain([temporary]).collect(),
        connect: if shape.has(Wall::Network) { None } else { Some(connect.collect()) },
    }
}

fn program(parts: &Parts<'_>, places: &Places, jailed: bool) -> Program {
    let package = &parts.artifact.package;
    let environment = variables::compose(parts.spec, package.runtime, places);
    let text = |path: &Path| path.display().to_string();
    let folder = PathBuf::from(&places.task);
    match (&parts.artifact.interpreter, package.runtime) {
        (Some(python), Runtime::Python { .. }) => {
            let bootstrap = if jailed { BOOTSTRAP.to_owned() } else { text(parts.bootstrap) };
            let executable = text(&python.executable);
            let arguments = [executable.as_str(), "-I", "-S", "-X", "utf8", bootstrap.as_str()];
            Program {
                path: python.executable.clone(),
                arguments: arguments.map(str::to_owned).to_vec(),
                environment,
                folder,
                channel: true,
            }
        }
        (None, _) | (Some(_), Runtime::Bootstrap) => {
            let path = entry_point(package, places);
            Program { arguments: vec![text(&path)], path, environment, folder, channel: false }
        }
    }
}

/// The `bootstrap` of the package, else the one of its layers.
pub(super) fn entry_point(package: &crate::Package, places: &Places) -> PathBuf {
    let in_layers = package.layers.as_ref().is_some_and(|layers| layers.join("bootstrap").exists());
    if in_layers && !package.code.join("bootstrap").exists() {
        Path::new(&places.layers).join("bootstrap")
    } else {
        Path::new(&places.task).join("bootstrap")
    }
}

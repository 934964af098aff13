//! Guests that push against each wall, as `docs/security.md` lists them.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::Path;

use eddy_runtime::Spec;
use serde_json::{Value, json};

use crate::kit::{Kit, Wish, interpreters, newest, of_system};

/// Tries something and says what came of it: a value, or the number of the error.
const TRY: &str = r#"
import ctypes, os, socket, sys, time
libc = ctypes.CDLL(None, use_errno=True)
def attempt(act):
    try:
        return act()
    except OSError as error:
        return "errno %s" % error.errno
def call(number, *arguments):
    ctypes.set_errno(0)
    if libc.syscall(number, *arguments) < 0:
        return "errno %s" % ctypes.get_errno()
    return "done"
def read(path):
    with open(path, "rb") as file:
        return len(file.read(64))
"#;

async fn said(kit: &Kit, body: &str, event: Value) -> Value {
    let guest =
        kit.python(&format!("{TRY}\ndef handler(event, context):\n    return {body}\n"), kit.spec()).await;
    let said = kit.reply(&guest, &event.to_string()).await;
    guest.stop().await;
    said
}

#[tokio::test]
async fn other_processes_are_not_there() {
    let kit = Kit::new().await;
    let own = std::process::id();
    let body = r#"{
        "listed": [p for p in os.listdir("/proc") if p.isdigit()] == [str(os.getpid())],
        "parent": os.getppid(),
        "init memory": attempt(lambda: read("/proc/1/mem")),
        "init environment": attempt(lambda: read("/proc/1/environ")),
        "init program": attempt(lambda: os.readlink("/proc/1/exe")),
        "host process": attempt(lambda: read("/proc/%d/status" % event)),
        "kill host": attempt(lambda: os.kill(event, 9)),
        "kill init": attempt(lambda: os.kill(1, 9)),
        "still here": os.path.exists("/proc/self"),
        "descriptors": sorted(int(fd) for fd in os.listdir("/proc/self/fd"))[:5],
        "how many": len(os.listdir("/proc/self/fd")),
    }"#;
    let expected = json!({
        "listed": true, "parent": 1,
        "init memory": "errno 2", "init environment": "errno 2", "init program": "errno 2",
        "host process": "errno 2", "kill host": "errno 3", "kill init": null, "still here": true,
        "descriptors": [0, 1, 2, 3, 4],
        // The sixth is the one that lists them.
        "how many": 6,
    });
    assert_eq!(said(&kit, body, json!(own)).await, expected);
    kit.close().await;
}

#[tokio::test]
async fn system_calls_that_are_closed_stay_closed() {
    let kit = Kit::new().await;
    let table: &[(&str, i64, &str, i32)] = &[
        ("ptrace", libc::SYS_ptrace, "0, 0, 0, 0", libc::EPERM),
        ("process_vm_readv", libc::SYS_process_vm_readv, "1, 0, 0, 0, 0, 0", libc::EPERM),
        ("mount", libc::SYS_mount, "b'none', b'/tmp', b'tmpfs', 0, 0", libc::EPERM),
        ("umount2", libc::SYS_umount2, "b'/tmp', 2", libc::EPERM),
        ("open_tree", libc::SYS_open_tree, "-100, b'/', 1", libc::EPERM),
        ("fsopen", libc::SYS_fsopen, "b'tmpfs', 0", libc::EPERM),
        ("pivot_root", libc::SYS_pivot_root, "b'/tmp', b'/tmp'", libc::EPERM),
        ("chroot", libc::SYS_chroot, "b'/tmp'", libc::EPERM),
        ("unshare user", libc::SYS_unshare, "0x10000000", libc::EPERM),
        ("unshare net", libc::SYS_unshare, "0x40000000", libc::EPERM),
        ("setns", libc::SYS_setns, "0, 0", libc::EPERM),
        ("clone with a user namespace", libc::SYS_clone, "0x10000011, 0, 0, 0, 0", libc::EPERM),
        ("clone3", libc::SYS_clone3, "0, 0", libc::ENOSYS),
        ("bpf", libc::SYS_bpf, "0, 0, 0", libc::EPERM),
        ("perf_event_open", libc::SYS_perf_event_open, "0, 0, -1, -1, 0", libc::EPERM),
        ("userfaultfd", libc::SYS_userfaultfd, "0", libc::EPERM),
        ("keyctl", libc::SYS_keyctl, "0, 0", libc::EPERM),
        ("io_uring_setup", libc::SYS_io_uring_setup, "1, 0", libc::ENOSYS),
        ("init_module", libc::SYS_init_module, "0, 0, 0", libc::EPERM),
        ("kexec_load", libc::SYS_kexec_load, "0, 0, 0, 0", libc::EPERM),
        ("reboot", libc::SYS_reboot, "0, 0, 0, 0", libc::EPERM),
        ("sethostname", libc::SYS_sethostname, "b'x', 1", libc::EPERM),
        ("settimeofday", libc::SYS_settimeofday, "0, 0", libc::EPERM),
        ("personality without randomness", libc::SYS_personality, "0x0040000", libc::EPERM),
        ("open_by_handle_at", libc::SYS_open_by_handle_at, "0, 0, 0", libc::EPERM),
        ("fanotify_init", libc::SYS_fanotify_init, "0, 0", libc::EPERM),
        ("pidfd_getfd", libc::SYS_pidfd_getfd, "0, 0, 0", libc::EPERM),
        ("device node", libc::SYS_mknodat, "-100, b'/tmp/sda', 0o60666, 0x800", libc::EPERM),
        ("fake terminal input", libc::SYS_ioctl, "0, 0x5412, b'x'", libc::EPERM),
        ("raw socket", libc::SYS_socket, "2, 3, 1", libc::EPERM),
        ("raw socket of IPv6", libc::SYS_socket, "10, 3, 58", libc::EPERM),
        ("packet socket", libc::SYS_socket, "17, 3, 0", libc::EPERM),
        ("netlink", libc::SYS_socket, "16, 3, 0", libc::EPERM),
        ("vsock", libc::SYS_socket, "40, 1, 0", libc::EPERM),
        ("become root", libc::SYS_setuid, "0", libc::EINVAL),
    ];
    let calls: Vec<String> =
        table.iter().map(|(_, number, rest, _)| format!("call({number}, {rest})")).collect();
    let said = said(&kit, &format!("[{}]", calls.join(", ")), Value::Null).await;
    for ((name, _, _, errno), said) in table.iter().zip(said.as_array().expect("a list")) {
        assert_eq!(said, &json!(format!("errno {errno}")), "{name}");
    }
    kit.close().await;
}

#[tokio::test]
async fn no_right_is_left_and_none_can_be_gained() {
    let kit = Kit::new().await;
    let body = r#"dict(line.split(":\t") for line in open("/proc/self/status").read().splitlines()
                       if line.startswith(("Cap", "NoNewPrivs", "Seccomp:", "Uid", "Groups")))"#;
    let status = said(&kit, body, Value::Null).await;
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(status[set], "0000000000000000", "{set}");
    }
    assert_eq!((&status["NoNewPrivs"], &status["Seccomp"]), (&json!("1"), &json!("2")));
    assert_eq!(status["Uid"], "993\t993\t993\t993");
    kit.close().await;
}

#[tokio::test]
async fn files_of_the_host_and_of_others_are_out_of_reach() {
    let kit = Kit::new().await;
    let secret = kit.folder.path().join("secret");
    std::fs::write(&secret, "secret").expect("a file can be written");
    let body = r#"{
        "host file": attempt(lambda: read(event)),
        "shadow": attempt(lambda: read("/etc/shadow")),
        "keys": attempt(lambda: os.listdir("/root/.ssh")),
        "sys": os.path.exists("/sys"),
        "host passwd": "/bin/bash" in open("/etc/passwd").read(),
        "write code": attempt(lambda: open("/var/task/app.py", "w")),
        "write interpreter": attempt(lambda: open(os.path.realpath(sys.executable), "r+b")),
        "write libraries": attempt(lambda: open("/usr/lib/x", "w")),
        "write root": attempt(lambda: open("/x", "w")),
        "write etc": attempt(lambda: open("/etc/hosts", "w")),
        "write proc": attempt(lambda: open("/proc/sys/kernel/core_pattern", "w")),
        "write sysrq": attempt(lambda: open("/proc/sysrq-trigger", "w")),
        "kernel memory": attempt(lambda: read("/proc/kcore")),
        "keys of the kernel": attempt(lambda: read("/proc/keys")),
        "write device": attempt(lambda: open("/dev/null", "w").write("x")),
        "tmp": attempt(lambda: open("/tmp/mine", "w").write("x")),
        "set user id": attempt(lambda: os.chmod("/tmp/mine", 0o4755)),
        "environment": [n for n in os.environ if n.startswith(("CARGO", "EDDY", "HOME"))],
    }"#;
    let said = said(&kit, body, json!(secret)).await;
    let expected = json!({
        "host file": "errno 2", "shadow": "errno 2", "keys": "errno 2", "sys": false, "host passwd": false,
        "write device": 1, "tmp": 1, "set user id": null, "environment": [],
    });
    for (name, expected) in expected.as_object().expect("an object") {
        assert_eq!(&said[name], expected, "{name}");
    }
    for (name, said) in
        said.as_object().expect("an object").iter().filter(|(name, _)| name.starts_with("write "))
    {
        // Landlock, the mount and the owner of the file each say no; which speaks first does not matter.
        let no = ["errno 13", "errno 30", "errno 2"].iter().any(|errno| said == errno);
        assert!(name == "write device" || no, "{name}: {said}");
    }
    kit.close().await;
}

#[tokio::test]
async fn two_guests_share_nothing() {
    let kit = Kit::new().await;
    let source = format!(
        "{TRY}\ndef handler(event, context):\n    if event == 'leave':\n        open('/tmp/left', 'w').close()\n        \
         shm = libc.shmget(4711, 4096, 0o1666)\n        return [os.listdir('/tmp'), shm >= 0]\n    \
         return [os.listdir('/tmp'), libc.shmget(4711, 4096, 0o666) >= 0, os.listdir('/var/task')]\n"
    );
    let (one, two) = (kit.python(&source, kit.spec()).await, kit.python(&source, kit.spec()).await);
    assert_eq!(kit.reply(&one, "\"leave\"").await, json!([["left"], true]));
    assert_eq!(kit.reply(&two, "\"look\"").await, json!([[], false, ["app.py"]]));
    assert_eq!(kit.reply(&one, "\"look\"").await[0], json!(["left"]), "a warm guest keeps its /tmp");
    drop((one, two));
    kit.close().await;
}

#[tokio::test]
async fn nothing_but_eddy_is_on_the_network() {
    let kit = Kit::new().await;
    let host = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback can be listened on");
    let port = host.local_addr().expect("it is bound").port();
    let name = format!("eddy-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let _abstract = UnixListener::bind_addr(&address).expect("abstract names are free");
    let body = r#"{
        "host": attempt(lambda: socket.create_connection(("127.0.0.1", event[0]), 5)),
        "internet": attempt(lambda: socket.create_connection(("192.0.2.1", 80), 5)),
        "internet 6": attempt(lambda: socket.create_connection(("2001:db8::1", 80), 5)),
        "metadata": attempt(lambda: socket.create_connection(("169.254.169.254", 80), 5)),
        "datagram": attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53))),
        "abstract": attempt(lambda: socket.socket(socket.AF_UNIX).connect("\0" + event[1])),
        "name": attempt(lambda: socket.getaddrinfo("example.com", 80)),
        "localhost": socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)[0][4][0],
        "interfaces": [line.split(":")[0].strip() for line in open("/proc/net/dev").read().splitlines()[2:]],
        "own server": serve(),
    }"#;
    let source = format!(
        "{TRY}\nimport threading\ndef serve():\n    s = socket.create_server(('127.0.0.1', 8080))\n    \
         c = socket.create_connection(('127.0.0.1', 8080))\n    return c is not None\n\
         def handler(event, context):\n    started = time.monotonic()\n    said = {body}\n    \
         said['fast'] = time.monotonic() - started < 1\n    return said\n"
    );
    let guest = kit.python(&source, kit.spec()).await;
    let said = kit.reply(&guest, &json!([port, name]).to_string()).await;
    let expected = json!({
        "host": format!("errno {}", libc::ECONNREFUSED), "internet": format!("errno {}", libc::ENETUNREACH),
        "internet 6": said["internet 6"], "metadata": format!("errno {}", libc::ENETUNREACH),
        "datagram": format!("errno {}", libc::ENETUNREACH), "abstract": said["abstract"], "name": said["name"],
        "localhost": "127.0.0.1", "interfaces": ["lo"], "own server": true, "fast": true,
    });
    assert_eq!(said, expected);
    for refused in ["internet 6", "abstract", "name"] {
        assert!(said[refused].as_str().is_some_and(|said| said.starts_with("errno ")), "{refused}: {said}");
    }
    drop(guest);
    kit.close().await;
}

/// The list of `docs/security.md` is the truth: a guest that walks its whole file system finds nothing else.
#[tokio::test]
async fn a_jail_shows_what_the_list_says() {
    let documented = documented();
    let kit = Kit::new().await;
    let system = Kit::with(Wish { interpreters: Some(of_system()), ..Wish::default() }).await;
    let walk = r#"
import os
def handler(event, context):
    event, programs = event
    found = [name for name in os.listdir("/usr/bin") if name not in programs and not name.startswith("python3.")]
    for folder, folders, files in os.walk("/"):
        names = files + [f for f in folders if os.path.islink(os.path.join(folder, f))]
        found.extend(os.path.join(folder, name) for name in names if not listed(os.path.join(folder, name), event))
        folders[:] = [f for f in folders if not listed(os.path.join(folder, f), event)]
    return found
def listed(path, event):
    return any(path == one or path.startswith(one + "/") for one in event)
"#;
    let mut machines = vec![(&kit, interpreters().all()[0].clone())];
    let pythons = of_system();
    machines.extend(pythons.all().first().map(|python| (&system, python.clone())));
    for (kit, python) in machines {
        let mut listed = documented.clone();
        if python.is_of_system() {
            listed.extend(
                [python.executable.clone(), python.stdlib.clone()].map(|path| path.display().to_string()),
            );
        } else {
            listed.push(python.prefix.display().to_string());
        }
        let spec = Spec { memory_bytes_max: 256 << 20, ..kit.spec() };
        let guest = kit.python_on(python.minor, walk, spec).await;
        assert_eq!(
            kit.reply(&guest, &json!([listed, programs()]).to_string()).await,
            json!([]),
            "with {listed:?}"
        );
        drop(guest);
    }
    kit.close().await;
    system.close().await;
}

/// The names in the line about programs of the page.
fn programs() -> Vec<String> {
    let listed = seen();
    let line = listed.lines().find(|line| line.starts_with("- `/usr/bin`")).expect("the list has programs");
    line.split('`').skip(3).step_by(2).map(str::to_owned).collect()
}

/// The paths in the list of the page.
fn documented() -> Vec<String> {
    let section = seen();
    let lines = section.lines().filter(|line| line.starts_with("- "));
    let paths: Vec<String> = lines
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|word| word.starts_with('/'))
        .map(str::to_owned)
        .collect();
    assert!(paths.len() > 20 && newest() > 0, "{paths:?}");
    paths
}

/// The section of the page about what is seen.
fn seen() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/security.md");
    let page = std::fs::read_to_string(page).expect("the page is there");
    let section = page.split("## What a function can see").nth(1).expect("it has the section");
    section.split("\n## ").next().expect("sections end").to_owned()
}

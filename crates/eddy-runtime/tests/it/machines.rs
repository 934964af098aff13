//! Machines that lack walls: what still stands, what is refused, and what people are told.

use eddy_runtime::{Error, Failure, Freeze, Guest, Jail, Package, Runtime, Spec, Tier, Wall};

use crate::kit::{Kit, LONG, Wish, newest, of_system};

const ECHO: &str = "def handler(event, context):\n    return event\n";

const NO_GROUPS: [Wall; 4] = [Wall::Memory, Wall::Pids, Wall::Cpu, Wall::Freeze];

#[tokio::test]
async fn each_machine_runs_what_it_may_at_its_tier() {
    let no_view =
        [Wall::User, Wall::Mount, Wall::Process, Wall::Network, Wall::Ipc, Wall::Uts, Wall::CgroupView];
    let join = |a: &[Wall], b: &[Wall]| [a, b].concat();
    let table = [
        ("no user namespaces", vec![Wall::User], Tier::A),
        ("no freezer", vec![Wall::Freeze], Tier::A),
        ("no own /proc", vec![Wall::Proc], Tier::A),
        ("no control groups", NO_GROUPS.to_vec(), Tier::B),
        ("no landlock", vec![Wall::Landlock], Tier::C),
        ("a hardened container", no_view.to_vec(), Tier::C),
        ("one without control groups", join(&no_view, &NO_GROUPS), Tier::C),
        ("nothing", Wall::ALL.to_vec(), Tier::D),
    ];
    for (name, without, tier) in table {
        let kit = Kit::with(Wish { without, ..Wish::default() }).await;
        assert_eq!(kit.jail.walls().tier, tier, "{name}");
        kit.jail.probe().await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let guest = kit.python(ECHO, kit.spec()).await;
        guest.ready(LONG).await.unwrap_or_else(|failure| panic!("{name}: {failure:?} {:?}", kit.texts()));
        assert_eq!(kit.reply(&guest, "[1]").await, serde_json::json!([1]), "{name}");
        let frozen = guest.freeze().await.expect("it can be stopped");
        let emulated = !kit.jail.walls().has(Wall::Freeze);
        assert_eq!(frozen == Freeze::Emulated, emulated, "{name}");
        assert_eq!(kit.reply(&guest, "2").await, 2, "{name}");
        guest.stop().await;
        kit.close().await;
    }
}

#[tokio::test]
async fn an_ordinary_user_has_the_same_walls_but_the_groups() {
    let pythons = of_system();
    let Some(python) = pythons.all().first() else {
        eprintln!("skipped: no Python that an ordinary user can reach");
        return;
    };
    let kit = Kit::with(Wish { user: Some(65534), interpreters: Some(of_system()), ..Wish::default() }).await;
    let walls = kit.jail.walls().clone();
    assert_eq!(walls.tier, Tier::B, "{walls:#?}");
    assert!(walls.missing.iter().all(|missing| NO_GROUPS.contains(&missing.wall)), "{:#?}", walls.missing);
    assert!(walls.missing.iter().all(|missing| !missing.reason.is_empty() && !missing.remedy.is_empty()));
    let source = "import os, time\ndef handler(event, context):\n    if event == 'big':\n        x = b'x' * (200 << 20)\n        \
                  time.sleep(10)\n    if event == 'fork':\n        n = 0\n        try:\n            while True:\n                \
                  if os.fork() == 0:\n                    time.sleep(60)\n                n += 1\n        except OSError as e:\n            \
                  return [n, e.errno]\n    return [os.getuid(), os.listdir('/root') if os.path.exists('/root') else None]\n";
    let spec = || Spec { pids_max: 12, ..kit.spec() };
    let guest = kit.python_on(python.minor, source, spec()).await;
    guest.ready(LONG).await.unwrap_or_else(|failure| panic!("{failure:?} {:?}", kit.texts()));
    assert_eq!(kit.reply(&guest, "1").await, serde_json::json!([993, null]));
    let forks = kit.reply(&guest, "\"fork\"").await;
    assert_eq!(forks[1], 11, "{forks}");
    assert!(forks[0].as_u64().is_some_and(|count| count < 12), "{forks}");
    drop(guest);
    let guest = kit.python_on(python.minor, source, spec()).await;
    let big = kit.invoke(&guest, "\"big\"").await;
    assert!(matches!(big.result, Err(Failure::OutOfMemory)), "{:?}", big.result);
    drop(guest);
    kit.close().await;
}

#[tokio::test]
async fn a_machine_below_the_minimum_refuses_and_says_what_to_type() {
    let wish = Wish { without: vec![Wall::Network], min_tier: Some(Tier::B), ..Wish::default() };
    let kit = Kit::with(wish).await;
    let code = kit.code(&[("app.py", ECHO)]);
    let package = Package { code, layers: None, runtime: Runtime::Python { minor: newest() } };
    let refused = kit.jail.prepare(&package).await.expect_err("it is below B");
    let Error::Wall { tier, min, wall, remedy, .. } = &refused else { panic!("{refused}") };
    assert_eq!((*tier, *min, *wall), (Tier::C, Tier::B, Wall::Network));
    assert!(!remedy.is_empty() && refused.to_string().contains("network namespace"), "{refused}");
    kit.jail.probe().await.expect("an empty jail can be made in any case");
    kit.close().await;
}

#[tokio::test]
async fn a_version_that_is_not_here_is_refused_with_what_is() {
    let kit = Kit::with(Wish { interpreters: Some(of_system()), ..Wish::default() }).await;
    let code = kit.code(&[("app.py", ECHO)]);
    let has: Vec<u8> = of_system().all().iter().map(|python| python.minor).collect();
    let absent =
        eddy_runtime::python::MINORS.rev().find(|minor| !has.contains(minor)).expect("nobody has all");
    let package = Package { code, layers: None, runtime: Runtime::Python { minor: absent } };
    let refused = kit.jail.prepare(&package).await.expect_err("it is not here").to_string();
    assert!(refused.starts_with(&format!("python3.{absent} is not on this machine; there is ")), "{refused}");
    kit.close().await;
}

/// In the tier without own files and network the guest is held by landlock alone.
#[tokio::test]
async fn without_namespaces_landlock_still_holds() {
    let without =
        vec![Wall::User, Wall::Mount, Wall::Process, Wall::Network, Wall::Ipc, Wall::Uts, Wall::CgroupView];
    let kit = Kit::with(Wish { without, ..Wish::default() }).await;
    let secret = kit.folder.path().join("secret");
    std::fs::write(&secret, "secret").expect("a file can be written");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback can be listened on");
    let port = listener.local_addr().expect("it is bound").port();
    let source = "import os, socket\ndef attempt(f):\n    try: return str(f())\n    except OSError as e: return e.errno\n\
                  def handler(event, context):\n    path, port = event\n    return [\n        \
                  attempt(lambda: open(path).read()),\n        attempt(lambda: open('/etc/shadow').read()),\n        \
                  attempt(lambda: os.listdir('/')),\n        attempt(lambda: open(os.environ['TMPDIR'] + '/x', 'w').close()),\n        \
                  attempt(lambda: open('/tmp/eddy-should-not-be', 'w')),\n        \
                  attempt(lambda: socket.create_connection(('127.0.0.1', port))),\n        \
                  attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),\n        \
                  attempt(lambda: os.kill(os.getppid(), 0) or os.kill(1, 9)),\n    ]\n";
    let guest: Guest = kit.python(source, kit.spec()).await;
    let event = serde_json::json!([secret, port]).to_string();
    let said = kit.reply(&guest, &event).await;
    assert_eq!(
        said,
        serde_json::json!([13, 13, 13, "None", 13, 13, 1, 1]),
        "{:?}",
        kit.jail.walls().landlock_abi
    );
    drop(guest);
    kit.close().await;
}

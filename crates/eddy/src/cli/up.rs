//! `eddy up`: serve until told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use eddy_base::{Env, System};
use tokio::signal::unix::{SignalKind, signal};

use super::stack::Stack;
use super::{Context, Failure};
use crate::assemble::{self, App, Ports};
use crate::folder::Server;
use crate::serve::{self, Doors};
use crate::settings::{ServeFlags, Settings};
use crate::{banner, redeploy, terminal};

/// What running requests and functions get to end when the server is told to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// What blocking work that nobody waits for any more (an installation, a sweep) gets after that.
const LEFT_OVER: Duration = Duration::from_millis(500);

#[derive(Debug, clap::Args)]
pub struct Words {
    /// Folder with a template.yaml to deploy, and to deploy again when it changes
    dir: Option<PathBuf>,
    #[command(flatten)]
    serve: ServeFlags,
    #[command(flatten)]
    stack: Stack,
    /// Start although the store's end is missing: what it held is lost
    #[arg(long)]
    accept_loss: bool,
}

pub fn run(context: &Context, words: Words) -> Result<ExitCode, Failure> {
    let settings = Settings::read(&context.flags, &words.serve)?;
    if let Some(folder) = words.dir.as_deref().filter(|folder| !folder.is_dir()) {
        return Err(format!("{}: there is no such folder", folder.display()).into());
    }
    log_to_stderr();
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_name("eddy").enable_all().build()?;
    let ended = runtime.block_on(up(context, settings, words));
    runtime.shutdown_timeout(LEFT_OVER);
    ended
}

async fn up(context: &Context, settings: Settings, words: Words) -> Result<ExitCode, Failure> {
    let env: Arc<dyn Env> = Arc::new(System::default());
    let asked = words.stack.asked()?;
    let address = settings.listen.value;
    let listener = match env.listen(address).await {
        Ok(listener) => listener,
        Err(why) => return Err(serve::taken(&env, address, &why).await.into()),
    };
    let address = listener.address();
    let (app, calls) = assemble::open(&settings, Ports::of_machine(env), address, words.accept_loss).await?;
    let app = Arc::new(app);
    Server::announce(&settings.data.value, address)?;
    let doors = Doors::open(app.clone(), listener, calls);
    let printer = terminal::print_finished(&app);
    if context.out.wants_json() {
        context
            .out
            .document(&serde_json::json!({ "listening": address.to_string(), "pid": std::process::id() }));
    }
    banner::serving(&app, &settings, address);
    let search = banner::pythons(&app);
    let deployer = redeploy::start(&app, &settings, words.dir.as_deref(), &asked)?;
    wait_for_a_signal().await?;
    drop((search, deployer));
    let code = stop(&app, doors, &settings, address).await;
    drop(printer);
    Ok(code)
}

/// The first signal drains; a second one ends the process on the spot.
async fn wait_for_a_signal() -> Result<(), Failure> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

async fn stop(app: &Arc<App>, doors: Doors, settings: &Settings, address: SocketAddr) -> ExitCode {
    eprint_line(&format!(
        "stopping {address}: at most {} s for what is running; Ctrl-C again stops at once",
        DRAIN.as_secs()
    ));
    let env = app.engines.store.env().clone();
    let ends = env.monotonic() + DRAIN;
    let drain = async {
        doors.close(DRAIN).await;
        app.drain(ends.saturating_sub(env.monotonic())).await
    };
    let code = tokio::select! {
        waiting = drain => {
            eprint_line(&format!(
                "stopped; {} events wait and {} wait for another attempt, for the next start",
                waiting.waiting + waiting.cut_short,
                waiting.retrying
            ));
            ExitCode::SUCCESS
        }
        _ = wait_for_a_signal() => ExitCode::from(130),
    };
    Server::retract(&settings.data.value);
    code
}

fn eprint_line(text: &str) {
    super::Out::new(false).note(text);
}

fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("EDDY_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
}

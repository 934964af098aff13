//! The ledger: clients write down what they asked for and what was acknowledged, the server is killed with kill -9
//! at random moments, its recovery too, and after each restart the ledger is held against what is there.

mod ledger;
mod load;
mod look;
pub mod things;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eddy_base::{Env, System};
use ledger::{Ledger, Reach, Thing};

use crate::server::Server;

/// How long events may take to reach their function once nobody kills the server any more.
const DELIVERED_WITHIN: Duration = Duration::from_secs(60);
/// Every so manieth start is killed before it is over.
const CUT_EVERY: u32 = 4;
/// Moments of kills, after the load has begun.
const LOAD_MILLIS: (u64, u64) = (50, 1250);
/// Moments of kills, after a start has begun.
const START_MILLIS: (u64, u64) = (2, 60);

#[derive(clap::Args)]
pub struct Words {
    /// How long to go on [default: 60, or for ever when --rounds is given]
    #[arg(long)]
    seconds: Option<u64>,
    /// How many kills under load
    #[arg(long)]
    rounds: Option<u32>,
    /// Seed of the moments of the kills [default: another one each time]
    #[arg(long)]
    seed: Option<u64>,
    /// Where to keep the data: the disk to prove [default: the folder for temporary files]
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// What the kills did.
#[derive(Default)]
struct Told {
    restarts: u32,
    cut_starts: u32,
    slowest: Duration,
    wrong: Vec<String>,
}

/// Runs rounds of load and kill until the time is over, then waits for all events and counts.
pub async fn run(words: Words) -> Result<(), String> {
    let scratch = match &words.folder {
        Some(folder) => tempfile::tempdir_in(folder),
        None => tempfile::tempdir(),
    }
    .map_err(|why| why.to_string())?;
    let data = scratch.path().join("data");
    let seed = words.seed.unwrap_or_else(random);
    let ledger = Arc::new(Ledger::default());
    let (server, mut told) = kill_again_and_again(&words, seed, &data, &ledger).await?;
    told.wrong.extend(ledger.judge(&look::look(&server, &ledger, Reach::All).await?));
    told.wrong.extend(ledger.complaints());
    let (undelivered, invented) = wait_for_deliveries(&server, &ledger).await?;
    told.wrong.extend(invented.iter().map(|thing| format!("{thing:?} was delivered, and nobody sent it")));
    print(seed, &ledger, &told, &undelivered);
    if told.wrong.is_empty() && undelivered.is_empty() {
        return Ok(());
    }
    let log = std::fs::read_to_string(scratch.path().join("eddy.log")).unwrap_or_default();
    let tail: Vec<&str> = log.lines().rev().take(40).collect();
    eprintln!("the end of the server's log:");
    tail.iter().rev().for_each(|line| eprintln!("  {line}"));
    Err(format!("something acknowledged is lost, or something is there that should not be (seed {seed})"))
}

/// The rounds; gives the server that is left alive.
async fn kill_again_and_again(
    words: &Words,
    seed: u64,
    data: &Path,
    ledger: &Arc<Ledger>,
) -> Result<(Server, Told), String> {
    let for_ever = if words.rounds.is_some() { u64::from(u32::MAX) } else { 60 };
    let ends = Instant::now() + Duration::from_secs(words.seconds.unwrap_or(for_ever));
    let rounds = words.rounds.unwrap_or(u32::MAX);
    let (mut moments, mut told) = (Moments(seed), Told::default());
    let mut server = Server::start(data, &[])?;
    things::prepare(&server).await?;
    let runtime = server.python()?;
    while Instant::now() < ends && told.restarts < rounds {
        let load = load::start(&server, &runtime, ledger).await?;
        tokio::time::sleep(moments.next(LOAD_MILLIS)).await;
        server.kill();
        load.end().await;
        if told.restarts % CUT_EVERY == CUT_EVERY - 1 {
            Server::start_and_kill(data, moments.next(START_MILLIS))?;
            told.cut_starts += 1;
        }
        server = Server::start(data, &[])?;
        told.restarts += 1;
        told.slowest = told.slowest.max(server.ready_after);
        told.wrong.extend(ledger.judge(&look::look(&server, ledger, Reach::Newest).await?));
    }
    Ok((server, told))
}

/// Waits until every acknowledged event has reached the function; gives those that have not, and those that nobody
/// sent.
async fn wait_for_deliveries(server: &Server, ledger: &Ledger) -> Result<(Vec<Thing>, Vec<Thing>), String> {
    let key = Arc::new(server.key()?);
    let ends = Instant::now() + DELIVERED_WITHIN;
    loop {
        let delivered: BTreeSet<Thing> = look::delivered(server, &key).await?;
        let undelivered = ledger.undelivered(&delivered);
        if undelivered.is_empty() || Instant::now() > ends {
            return Ok((undelivered, ledger.invented(&delivered)));
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

fn print(seed: u64, ledger: &Ledger, told: &Told, undelivered: &[Thing]) {
    let objects =
        ledger.count(|thing| matches!(thing, Thing::Object(_) | Thing::Assembled(_) | Thing::Noted(_)));
    let functions = ledger.count(|thing| matches!(thing, Thing::Function(_)));
    let lines = things::LINES * ledger.count(|thing| matches!(thing, Thing::Lines(_)));
    let events = ledger.count(|thing| matches!(thing, Thing::Event(_) | Thing::Notice(_)));
    println!("acknowledged  {objects} objects, {functions} functions, {lines} log lines, {events} events");
    println!("kept          {}", (objects + functions + lines).saturating_sub(told.wrong.len()));
    println!("delivered     {} of {events} events", events - undelivered.len());
    println!("lost          {}", told.wrong.len() + undelivered.len());
    println!("invocations   {} answered beside that", ledger.invocations());
    println!("restarts      {}, and {} starts killed before they were over", told.restarts, told.cut_starts);
    println!("slowest recovery  {} ms", told.slowest.as_millis());
    println!("seed          {seed}");
    let undelivered = undelivered.iter().map(|thing| format!("{thing:?} has not reached its function"));
    for what in told.wrong.iter().cloned().chain(undelivered).take(10) {
        println!("  wrong: {what}");
    }
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    System::default().fill_random(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Moments of kills, by a linear congruential generator.
struct Moments(u64);

impl Moments {
    /// A time between two.
    fn next(&mut self, (from, to): (u64, u64)) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis(from + (self.0 >> 33) % (to - from))
    }
}

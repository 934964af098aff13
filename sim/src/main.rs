//! The real server on a simulated world: the same seed gives the same run, and faults come at every commit.
//!
//! Each seed is a storm: clients sign real requests and send them over a network that cuts connections, to the
//! server as `eddy up` assembles it, on a disk that fails, with functions that misbehave. The server dies and starts
//! again. Afterwards everything that was acknowledged must be there. See `docs/adr/0006-simulation.md`.

mod actor;
mod client;
mod guest;
mod ledger;
mod net;
mod server;
mod storm;
mod world;

use std::cell::Cell;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::Parser;
use eddy_store::testing::Fault;

use crate::storm::{Faults, Outcome, Plan};

/// Clients of a storm, and steps of each.
const CLIENTS: u64 = 4;
const STEPS: u64 = 20;
/// Operations after which the sweep gives up: more than any such run has.
const SWEEP_MAX: u64 = 2_000;

#[derive(Parser)]
#[command(about = "Runs the real server on a simulated world")]
struct Words {
    /// How many seeds to run
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// How many of the seeds to run twice: both times must be the same to the last bit
    #[arg(long, default_value_t = 5)]
    twice: u64,
    /// Fail the first, the second, the third... commit of one run as well, until a run is clean
    #[arg(long)]
    sweep: bool,
    /// Print everything that happens; of one seed
    #[arg(long)]
    trace: bool,
    /// Print no line for a seed that holds
    #[arg(long)]
    brief: bool,
    /// Print what the server logs, as EDDY_LOG has it
    #[arg(long)]
    log: bool,
}

thread_local! {
    /// Panics of this thread, caught or not.
    static PANICS: Cell<u64> = const { Cell::new(0) };
}

fn main() -> ExitCode {
    let words = Words::parse();
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |why| {
        PANICS.set(PANICS.get() + 1);
        print(why);
    }));
    if words.log {
        let filter = tracing_subscriber::EnvFilter::try_from_env("EDDY_LOG")
            .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
        tracing_subscriber::fmt().with_env_filter(filter).with_target(false).without_time().init();
    }
    let mut held = seeds(&words);
    if !words.trace {
        held &= twice(&words);
        held &= canary(words.from);
        if words.sweep {
            held &= sweep(words.from);
        }
    }
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a plan; a panic anywhere is wrong too, whoever has caught it.
fn run(plan: Plan) -> Outcome {
    let before = PANICS.get();
    let mut outcome = storm::run(plan);
    let panics = PANICS.get() - before;
    if panics > 0 {
        outcome.wrong.push(format!("{panics} panics"));
    }
    outcome
}

fn storm_of(seed: u64, is_shown: bool) -> Plan {
    Plan { seed, clients: CLIENTS, steps: STEPS, faults: Faults::Drawn, is_shown }
}

/// Runs the seeds, as many at once as there are processors. Whether all of them hold.
fn seeds(words: &Words) -> bool {
    let count = if words.trace { 1 } else { words.seeds };
    let total = Mutex::new(Total::default());
    each(words.from..words.from + count, |seed| {
        let outcome = run(storm_of(seed, words.trace));
        let mut total = total.lock().expect("nobody panics with this lock");
        total.add(&outcome);
        if !words.brief || !outcome.wrong.is_empty() {
            println!("seed {seed}  {outcome}");
        }
        told(&outcome, &format!("cargo run --release -- --seeds 1 --from {seed}"))
    });
    let total = total.into_inner().expect("nobody panics with this lock");
    println!("{count} seeds: {total}");
    total.broken == 0
}

/// Does something for each seed, in as many threads as there are processors.
fn each(seeds: std::ops::Range<u64>, work: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(seeds.start);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= seeds.end {
                        return;
                    }
                    work(seed);
                }
            });
        }
    });
}

/// Says what went wrong, and how to see it again.
fn told(outcome: &Outcome, again: &str) {
    if outcome.wrong.is_empty() {
        return;
    }
    for wrong in &outcome.wrong {
        println!("  WRONG: {wrong}");
    }
    println!("  again: {again}   (in sim/; with --trace, step by step)");
}

#[derive(Default)]
struct Total {
    acknowledged: u64,
    unknown: u64,
    handled: u64,
    failed: u64,
    faults: u64,
    kills: u64,
    cuts: u64,
    broken: u64,
}

impl Total {
    fn add(&mut self, outcome: &Outcome) {
        self.acknowledged += outcome.counts.acknowledged;
        self.unknown += outcome.counts.unknown;
        self.handled += outcome.handled;
        self.failed += outcome.failed;
        self.faults += outcome.faults;
        self.kills += outcome.kills;
        self.cuts += outcome.cuts;
        self.broken += u64::from(!outcome.wrong.is_empty());
    }
}

impl std::fmt::Display for Total {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Total { acknowledged, unknown, handled, failed, faults, kills, cuts, broken } = self;
        write!(
            f,
            "{acknowledged} acknowledged, {unknown} unknown, {handled} events handled, {failed} kept as failed; \
             {faults} faults of the disk, {kills} kills, {cuts} cuts; {broken} seeds do not hold"
        )
    }
}

/// The same seed twice gives the same trace.
fn twice(words: &Words) -> bool {
    let differing = AtomicU64::new(0);
    let count = words.twice.min(words.seeds);
    each(words.from..words.from + count, |seed| {
        let (first, second) = (run(storm_of(seed, false)).hash, run(storm_of(seed, false)).hash);
        if first != second {
            differing.fetch_add(1, Ordering::SeqCst);
            println!("seed {seed} gave {first:016x} and then {second:016x}");
        }
    });
    let differing = differing.into_inner();
    println!("{count} seeds twice: {differing} differ");
    differing == 0
}

/// A disk that lies must be found out: by the start that it breaks, and by the ledger where people go on without
/// what is missing. If it is not, this simulation proves nothing.
fn canary(seed: u64) -> bool {
    let plan = Plan { seed, clients: CLIENTS, steps: KINDS_TWICE, faults: Faults::Lie(60), is_shown: false };
    let wrong = run(plan).wrong;
    let is_refused = wrong.first().is_some_and(|why| why.contains("--accept-loss"));
    let is_missed = wrong.len() > 1;
    println!(
        "a disk that lies: the start refuses: {is_refused}, the ledger misses {} things",
        wrong.len().max(1) - 1
    );
    is_refused && is_missed
}

/// Steps of clients who do each thing twice.
const KINDS_TWICE: u64 = 2 * actor::KINDS;

/// Fails the n-th commit for n = 1, 2, 3, ... until a run is clean.
fn sweep(seed: u64) -> bool {
    let broken = AtomicU64::new(0);
    for fault in [Fault::Fail, Fault::FailLate] {
        let clean = AtomicU64::new(SWEEP_MAX);
        each(1..SWEEP_MAX, |nth| {
            if nth > clean.load(Ordering::SeqCst) {
                return;
            }
            let faults = Faults::At(nth, fault);
            let outcome = run(Plan { seed, clients: 1, steps: KINDS_TWICE, faults, is_shown: false });
            if outcome.is_clean {
                clean.fetch_min(nth, Ordering::SeqCst);
            }
            if !outcome.wrong.is_empty() {
                broken.fetch_add(1, Ordering::SeqCst);
                println!("{fault:?} at operation {nth}: {outcome}");
                told(&outcome, &format!("cargo run --release -- --seeds 0 --from {seed} --sweep"));
            }
        });
        let clean = clean.into_inner();
        println!("{fault:?} at each operation in turn: clean from operation {clean} on");
        if clean == SWEEP_MAX {
            broken.fetch_add(1, Ordering::SeqCst);
        }
    }
    broken.into_inner() == 0
}

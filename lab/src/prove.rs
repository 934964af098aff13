//! The ledger: clients write down what was acknowledged, the server is killed with kill -9 at random moments, and
//! after each restart the ledger is held against what is there.

mod ledger;
pub mod load;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger::Ledger;

use crate::server::Server;

#[derive(clap::Args)]
pub struct Words {
    /// How long to go on
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Stop after this many kills, even if there is time left
    #[arg(long, default_value_t = u32::MAX)]
    rounds: u32,
    /// Seed of the moments of the kills
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to keep the data: the disk to prove [default: the folder for temporary files]
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// Runs rounds of load and kill until the time is over, then waits for all events and counts.
pub async fn run(words: Words) -> Result<(), String> {
    let scratch = match &words.folder {
        Some(folder) => tempfile::tempdir_in(folder),
        None => tempfile::tempdir(),
    }
    .map_err(|why| why.to_string())?;
    let data = scratch.path().join("data");
    let ledger = Arc::new(Ledger::default());
    let (mut moments, ends) = (Moments(words.seed), Instant::now() + Duration::from_secs(words.seconds));
    let (mut restarts, mut slowest, mut lost) = (0, Duration::ZERO, Vec::new());
    let mut server = Server::start(&data, &[])?;
    load::prepare(&server).await?;
    while Instant::now() < ends && restarts < words.rounds {
        let load = load::start(&server, ledger.clone()).await?;
        tokio::time::sleep(moments.next()).await;
        server.kill();
        load.end().await;
        server = Server::start(&data, &[])?;
        restarts += 1;
        slowest = slowest.max(server.ready_after);
        lost.extend(ledger.missing(&server, ledger::Reach::Newest).await?);
    }
    lost.extend(ledger.missing(&server, ledger::Reach::All).await?);
    let delivered = ledger.wait_for_deliveries(&server, Duration::from_secs(60)).await?;
    let counted = ledger.counts();
    println!(
        "acknowledged  {} objects, {} log lines, {} events",
        counted.objects, counted.lines, counted.events
    );
    println!("kept          {}", counted.objects + counted.lines - lost.len());
    println!("delivered     {delivered} of {} events", counted.events);
    println!("lost          {}", lost.len() + counted.events - delivered);
    println!("restarts      {restarts}");
    println!("slowest recovery  {} ms", slowest.as_millis());
    for what in lost.iter().take(10) {
        println!("  lost: {what}");
    }
    if lost.is_empty() && delivered == counted.events {
        Ok(())
    } else {
        Err("something acknowledged is lost".to_owned())
    }
}

/// Moments of kills: 0.2 to 2.2 s, by a linear congruential generator.
struct Moments(u64);

impl Moments {
    fn next(&mut self) -> Duration {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Duration::from_millis(200 + (self.0 >> 33) % 2000)
    }
}

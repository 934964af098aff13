//! How often the server wakes for a guest that does nothing that concerns it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use eddy_base::env::{Boxed, Listener, Stream};
use eddy_base::{Env, System, Task, Timestamp};
use eddy_runtime::{Jail, Spec, Wall};

use crate::kit::{Kit, Wish};

/// The real world, where it is counted how often somebody who slept went on.
#[derive(Default)]
struct Counting {
    world: System,
    wakes: Arc<AtomicUsize>,
}

impl Env for Counting {
    fn now(&self) -> Timestamp {
        self.world.now()
    }

    fn monotonic(&self) -> Duration {
        self.world.monotonic()
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        self.world.fill_random(buffer);
    }

    fn sleep(&self, span: Duration) -> Boxed<'static, ()> {
        let (asleep, wakes) = (self.world.sleep(span), self.wakes.clone());
        Box::pin(async move {
            asleep.await;
            wakes.fetch_add(1, Ordering::SeqCst);
        })
    }

    fn spawn(&self, name: &'static str, task: Boxed<'static, ()>) -> Task {
        self.world.spawn(name, task)
    }

    fn run_aside(&self, work: Box<dyn FnOnce() + Send>) {
        self.world.run_aside(work);
    }

    fn listen<'a>(&'a self, address: SocketAddr) -> Boxed<'a, io::Result<Box<dyn Listener>>> {
        self.world.listen(address)
    }

    fn connect<'a>(&'a self, address: SocketAddr) -> Boxed<'a, io::Result<Box<dyn Stream>>> {
        self.world.connect(address)
    }
}

/// The wakes of the first start and the first invocation of a guest that works for a second.
async fn wakes(without: Vec<Wall>, memory_bytes_max: u64) -> (bool, usize) {
    let counting = Counting::default();
    let wakes = counting.wakes.clone();
    let kit = Kit::with(Wish { without, env: Some(Arc::new(counting)), ..Wish::default() }).await;
    let source = "import time\ndef handler(event, context):\n    end = time.monotonic() + 1\n    \
                  while time.monotonic() < end: pass\n    return 1\n";
    let guest = kit.python(source, Spec { memory_bytes_max, ..kit.spec() }).await;
    assert_eq!(kit.reply(&guest, "{}").await, 1);
    let woken = wakes.load(Ordering::SeqCst);
    let by_kernel = kit.jail.walls().has(Wall::Memory);
    guest.stop().await;
    kit.close().await;
    (by_kernel, woken)
}

#[tokio::test]
async fn a_guest_far_from_its_limit_wakes_nobody() {
    for (without, memory, most) in [
        (Vec::new(), 128 << 20, 0),
        // Its pages have to be added up: at most every 50 ms, and less often the more there is to fill.
        (vec![Wall::Memory], 128 << 20, 60),
        (vec![Wall::Memory], 8 << 30, 4),
    ] {
        let (by_kernel, woken) = wakes(without, memory).await;
        if most == 0 && !by_kernel {
            eprintln!("skipped: no control group counts memory here");
            continue;
        }
        println!("{woken} wakes a second, at most {most}");
        assert!(woken <= most, "{woken} wakes, {memory} bytes");
    }
}

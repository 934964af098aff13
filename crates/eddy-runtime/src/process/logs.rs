//! What a guest prints: three pipes, cut into lines, tied to the invocation under way.
//!
//! Output never stops a guest for long: the pipes are always read. Who prints more than its budget loses lines,
//! and is told how many. What was written before an answer was sent is in the pipes when the answer arrives, so
//! draining them then ties each line to its invocation.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use eddy_base::{Env, Id, Timestamp};
use tokio::net::unix::pipe::Receiver;

use crate::limits::{LOG_BURST_BYTES, LOG_BYTES_PER_SECOND, LOG_LINE_BYTES_MAX};
use crate::{Line, Sink, Stream};

/// One drain reads at most this much, so that a guest that prints without end holds nobody else up.
const DRAIN_BYTES_MAX: usize = 1024 * 1024;

/// The reading ends of a guest's pipes.
pub(crate) struct Logs {
    env: Arc<dyn Env>,
    sink: Sink,
    pipes: [Receiver; 3],
    state: Mutex<State>,
}

struct State {
    cutters: [Cutter; 3],
    request: Option<Id>,
    /// The time of the last line.
    told: Timestamp,
    budget: Budget,
    dropped: u64,
}

impl Logs {
    /// Takes the reading ends of standard output, standard error and log records.
    ///
    /// # Errors
    /// When they are not pipes.
    pub(crate) fn new(env: Arc<dyn Env>, sink: Sink, pipes: [OwnedFd; 3]) -> std::io::Result<Logs> {
        let [stdout, stderr, records] = pipes.map(Receiver::from_owned_fd);
        let budget = Budget { left: LOG_BURST_BYTES, filled: env.monotonic() };
        let state = State {
            cutters: [
                Cutter::Lines { stream: Stream::Stdout, rest: BytesMut::new() },
                Cutter::Lines { stream: Stream::Stderr, rest: BytesMut::new() },
                Cutter::Records { rest: BytesMut::new(), lost: false },
            ],
            request: None,
            told: Timestamp::EPOCH,
            budget,
            dropped: 0,
        };
        Ok(Logs { env, sink, pipes: [stdout?, stderr?, records?], state: Mutex::new(state) })
    }

    /// Reads for as long as the guest has a pipe open.
    pub(crate) async fn pump(&self) {
        loop {
            tokio::select! {
                ready = self.pipes[0].readable() => if ready.is_err() { return },
                ready = self.pipes[1].readable() => if ready.is_err() { return },
                ready = self.pipes[2].readable() => if ready.is_err() { return },
            }
            if self.drain() == Pipes::Closed {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    /// From now on lines belong to this invocation.
    pub(crate) fn begin(&self, request: Id) {
        self.drain();
        self.state().request = Some(request);
    }

    /// Hands over all that was printed so far, with a last line that has no end yet, and ties nothing more to the
    /// invocation.
    pub(crate) fn finish(&self) {
        while self.drain() == Pipes::More {}
        let mut state = self.state();
        let mut last = Vec::new();
        for cutter in &mut state.cutters {
            cutter.flush(&mut last);
        }
        self.give(&mut state, last);
        self.tell_dropped(&mut state);
        state.request = None;
    }

    /// Reads what is there.
    fn drain(&self) -> Pipes {
        let mut state = self.state();
        let mut closed = 0;
        let mut total = 0;
        for (index, pipe) in self.pipes.iter().enumerate() {
            let mut chunk = [0; 16 * 1024];
            loop {
                match pipe.try_read(&mut chunk) {
                    Ok(0) => {
                        closed += 1;
                        break;
                    }
                    Ok(count) => {
                        total += count;
                        let mut pieces = Vec::new();
                        state.cutters[index].feed(&chunk[..count], &mut pieces);
                        self.give(&mut state, pieces);
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                    Err(_) => {
                        closed += 1;
                        break;
                    }
                }
                if total >= DRAIN_BYTES_MAX {
                    return Pipes::More;
                }
            }
        }
        if closed == self.pipes.len() { Pipes::Closed } else { Pipes::Empty }
    }

    fn give(&self, state: &mut State, pieces: Vec<Piece>) {
        if pieces.is_empty() {
            return;
        }
        let now = self.env.now();
        state.budget.fill(self.env.monotonic());
        for piece in pieces {
            if !state.budget.spend(piece.text.len() as u64) {
                state.dropped += 1;
                continue;
            }
            self.tell_dropped(state);
            let at = ordered(piece.at, state.told, now);
            state.told = at;
            (self.sink)(Line { stream: piece.stream, at, request: state.request, text: piece.text });
        }
    }

    fn tell_dropped(&self, state: &mut State) {
        if state.dropped == 0 {
            return;
        }
        let text = Bytes::from(format!("{} lines dropped", state.dropped));
        state.dropped = 0;
        (self.sink)(Line { stream: Stream::Platform, at: self.env.now(), request: state.request, text });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a sink that panics ends the guest's task, not the process")
    }
}

/// When a line counts as said. A record brings the time at which the guest says that it was written: believed as far
/// as that is neither before what was told already, or a log sorted by time would turn lines around, nor in the future.
fn ordered(written: Option<Timestamp>, told: Timestamp, now: Timestamp) -> Timestamp {
    written.unwrap_or(now).min(now).max(told)
}

/// What draining left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pipes {
    /// Nothing for now.
    Empty,
    /// There may be more.
    More,
    /// Nobody holds the writing ends any more.
    Closed,
}

/// A token bucket, in bytes.
struct Budget {
    left: u64,
    filled: Duration,
}

impl Budget {
    fn fill(&mut self, now: Duration) {
        let millis = u64::try_from(now.saturating_sub(self.filled).as_millis()).unwrap_or(u64::MAX);
        let grown = millis.saturating_mul(LOG_BYTES_PER_SECOND) / 1000;
        if grown > 0 {
            self.left = self.left.saturating_add(grown).min(LOG_BURST_BYTES);
            self.filled = now;
        }
    }

    fn spend(&mut self, bytes: u64) -> bool {
        // An empty line costs something too.
        let cost = bytes + 1;
        let enough = self.left >= cost;
        if enough {
            self.left -= cost;
        }
        enough
    }
}

/// One line or record, before it is known whose.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    stream: Stream,
    at: Option<Timestamp>,
    text: Bytes,
}

/// Makes pieces of a stream of bytes.
enum Cutter {
    /// At line ends.
    Lines { stream: Stream, rest: BytesMut },
    /// Type, length, microseconds, text. One record is one piece, whatever line ends it has. After something that
    /// is no record the stream cannot be read any more.
    Records { rest: BytesMut, lost: bool },
}

const RECORD_HEAD: usize = 16;
const RECORD_MARK: [u8; 3] = [0xa5, 0x5a, 0x00];

impl Cutter {
    fn feed(&mut self, bytes: &[u8], out: &mut Vec<Piece>) {
        match self {
            Cutter::Lines { stream, rest } => {
                rest.extend_from_slice(bytes);
                while let Some(line) = next_line(rest) {
                    out.push(Piece { stream: *stream, at: None, text: line });
                }
            }
            Cutter::Records { lost: true, .. } => {}
            Cutter::Records { rest, lost } => {
                rest.extend_from_slice(bytes);
                loop {
                    match next_record(rest) {
                        Ok(Some(record)) => out.extend(record),
                        Ok(None) => break,
                        Err(NoRecord) => {
                            *lost = true;
                            rest.clear();
                            break;
                        }
                    }
                }
            }
        }
    }

    /// Gives out a line that has no end yet.
    fn flush(&mut self, out: &mut Vec<Piece>) {
        match self {
            Cutter::Lines { stream, rest } => {
                if !rest.is_empty() {
                    out.push(Piece { stream: *stream, at: None, text: rest.split().freeze() });
                }
            }
            // Half a record is still being written.
            Cutter::Records { .. } => {}
        }
    }
}

fn next_line(rest: &mut BytesMut) -> Option<Bytes> {
    match rest.iter().position(|byte| *byte == b'\n') {
        Some(end) if end <= LOG_LINE_BYTES_MAX => {
            let mut line = rest.split_to(end + 1);
            line.truncate(end - usize::from(line[..end].ends_with(b"\r")));
            Some(line.freeze())
        }
        _ if rest.len() > LOG_LINE_BYTES_MAX => Some(rest.split_to(LOG_LINE_BYTES_MAX).freeze()),
        _ => None,
    }
}

#[derive(Debug, PartialEq, Eq)]
struct NoRecord;

/// Takes one whole record, in as many pieces as its length makes necessary.
fn next_record(rest: &mut BytesMut) -> Result<Option<Vec<Piece>>, NoRecord> {
    if !rest.iter().zip(RECORD_MARK).all(|(byte, mark)| *byte == mark) {
        return Err(NoRecord);
    }
    if rest.len() < RECORD_HEAD {
        return Ok(None);
    }
    let size = u32::from_be_bytes([rest[4], rest[5], rest[6], rest[7]]) as usize;
    if size > 16 * LOG_LINE_BYTES_MAX {
        return Err(NoRecord);
    }
    if rest.len() < RECORD_HEAD + size {
        return Ok(None);
    }
    rest.advance(8);
    let micros = rest.get_u64();
    let at = i64::try_from(micros / 1000).ok().map(Timestamp::from_millis);
    let mut text = rest.split_to(size).freeze();
    let mut pieces = Vec::new();
    loop {
        let piece = text.split_to(text.len().min(LOG_LINE_BYTES_MAX));
        pieces.push(Piece { stream: Stream::Log, at, text: piece });
        if text.is_empty() {
            return Ok(Some(pieces));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines() -> Cutter {
        Cutter::Lines { stream: Stream::Stdout, rest: BytesMut::new() }
    }

    fn records() -> Cutter {
        Cutter::Records { rest: BytesMut::new(), lost: false }
    }

    fn fed(mut cutter: Cutter, chunks: &[&[u8]]) -> Vec<String> {
        let mut out = Vec::new();
        for chunk in chunks {
            cutter.feed(chunk, &mut out);
        }
        cutter.flush(&mut out);
        out.iter().map(|piece| String::from_utf8_lossy(&piece.text).into_owned()).collect()
    }

    fn record(text: &str) -> Vec<u8> {
        let mut bytes = vec![0xa5, 0x5a, 0x00, 0x0f];
        bytes.extend((text.len() as u32).to_be_bytes());
        bytes.extend(1_700_000_000_000_000u64.to_be_bytes());
        bytes.extend(text.as_bytes());
        bytes
    }

    #[test]
    fn times_follow_the_order_of_lines() {
        let at = Timestamp::from_millis;
        let table = [
            (None, 5, 10, 10),
            (Some(7), 5, 10, 7),
            (Some(3), 5, 10, 5),
            (Some(99), 5, 10, 10),
            // The clock was set back.
            (None, 12, 10, 12),
        ];
        for (written, told, now, expected) in table {
            assert_eq!(ordered(written.map(at), at(told), at(now)), at(expected), "{written:?} {told} {now}");
        }
    }

    #[test]
    fn lines_are_cut_at_their_ends() {
        let table: &[(&[&[u8]], &[&str])] = &[
            (&[b"a\nb\n"], &["a", "b"]),
            (&[b"a", b"b\r\nc"], &["ab", "c"]),
            (&[b"\n\n"], &["", ""]),
            (&[b""], &[]),
        ];
        for (chunks, expected) in table {
            assert_eq!(fed(lines(), chunks), *expected);
        }
    }

    #[test]
    fn a_line_without_end_is_cut_at_the_limit() {
        let long = vec![b'x'; LOG_LINE_BYTES_MAX + 5];
        let out = fed(lines(), &[&long, b"\n"]);
        assert_eq!(out.iter().map(String::len).collect::<Vec<_>>(), [LOG_LINE_BYTES_MAX, 5]);
    }

    #[test]
    fn a_record_is_one_piece_and_garbage_ends_the_stream() {
        let two = [record("one\ntwo"), record("three")].concat();
        assert_eq!(fed(records(), &[&two[..5], &two[5..]]), ["one\ntwo", "three"]);
        let mut broken = record("one");
        broken.extend(b"garbage that is no record");
        broken.extend(record("two"));
        assert_eq!(fed(records(), &[&broken]), ["one"]);
    }

    #[test]
    fn a_budget_is_spent_and_grows_back() {
        let mut budget = Budget { left: 10, filled: Duration::ZERO };
        assert!(budget.spend(9));
        assert!(!budget.spend(0));
        budget.fill(Duration::from_secs(3600));
        assert_eq!(budget.left, LOG_BURST_BYTES);
    }

    proptest! {
        #[test]
        fn cutting_loses_and_invents_nothing(chunks in proptest::collection::vec("[a-c\n]{0,20}", 0..10)) {
            let whole = chunks.concat();
            let bytes: Vec<&[u8]> = chunks.iter().map(|chunk| chunk.as_bytes()).collect();
            let mut expected: Vec<&str> = whole.split('\n').collect();
            if expected.last() == Some(&"") {
                expected.pop();
            }
            prop_assert_eq!(fed(lines(), &bytes), expected);
        }

        #[test]
        fn any_records_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut out = Vec::new();
            records().feed(&bytes, &mut out);
        }
    }
}

//! What comes out of one environment, on its way to the log.
//!
//! Each environment has its own stream in the function's group. A START line waits for company: with a function
//! that prints nothing, all lines of an invocation are one record; as soon as the function prints, everything
//! goes out at once, so that whoever follows the log sees it live.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use eddy_base::{Id, Scope, Timestamp};
use eddy_runtime::{Line, Sink};
use eddy_telemetry::Telemetry;

use crate::limits::TAIL_BYTES_MAX;
use crate::report::Form;

/// The log of one environment.
pub(crate) struct Output {
    telemetry: Telemetry,
    scope: Scope,
    pub(crate) group: String,
    pub(crate) stream: String,
    pub(crate) form: Form,
    state: Mutex<State>,
}

struct State {
    /// The invocation under way.
    request: Option<Id>,
    /// What was said before the first invocation, whose log it belongs to; none once that has begun.
    before: Option<Tail>,
    /// Its START line, until something follows it.
    held: Option<(Timestamp, String)>,
    tail: Option<Tail>,
}

/// The last bytes of an invocation's log.
#[derive(Default)]
struct Tail(Vec<u8>);

impl Output {
    pub(crate) fn new(
        telemetry: Telemetry,
        scope: Scope,
        group: String,
        stream: String,
        form: Form,
    ) -> Arc<Output> {
        Arc::new(Output { telemetry, scope, group, stream, form, state: Mutex::new(State::new()) })
    }

    /// Where the guest prints to.
    pub(crate) fn sink(self: &Arc<Output>) -> Sink {
        let output = Arc::clone(self);
        Arc::new(move |line: Line| output.printed(&line))
    }

    /// An invocation begins. `tail` keeps the end of its log for [`Output::end`].
    pub(crate) fn begin(&self, at: Timestamp, request: Id, start: Option<String>, tail: bool) {
        let mut state = self.state();
        state.request = Some(request);
        let before = state.before.take().unwrap_or_default();
        state.tail = tail.then_some(before);
        if let (Some(tail), Some(start)) = (&mut state.tail, &start) {
            tail.push(start.as_bytes());
        }
        state.held = start.map(|start| (at, start));
    }

    /// The platform's last lines about the invocation. Gives the end of its log, if it was asked for.
    pub(crate) fn end(&self, at: Timestamp, lines: Vec<String>) -> Option<Bytes> {
        let (mut out, tail) = {
            let mut state = self.state();
            state.request = None;
            let mut tail = state.tail.take();
            if let Some(tail) = &mut tail {
                lines.iter().for_each(|line| tail.push(line.as_bytes()));
            }
            (state.held.take().into_iter().collect::<Vec<_>>(), tail)
        };
        out.extend(lines.into_iter().map(|line| (at, line)));
        self.send(out);
        tail.map(Tail::finish)
    }

    /// A line of the platform outside any invocation.
    pub(crate) fn note(&self, at: Timestamp, line: String) {
        if let Some(before) = &mut self.state().before {
            before.push(line.as_bytes());
        }
        self.send(vec![(at, line)]);
    }

    fn printed(&self, line: &Line) {
        let mut text = String::from_utf8_lossy(&line.text).into_owned();
        text.push('\n');
        let mut out = Vec::with_capacity(2);
        {
            let mut state = self.state();
            out.extend(state.held.take());
            let of_this = line.request.is_some() && line.request == state.request;
            let State { before, tail, .. } = &mut *state;
            if let Some(tail) = before.as_mut().or(tail.as_mut().filter(|_| of_this)) {
                tail.push(text.as_bytes());
            }
        }
        out.push((line.at, text));
        self.send(out);
    }

    fn send(&self, lines: Vec<(Timestamp, String)>) {
        self.telemetry.append(&self.scope, &self.group, &self.stream, lines);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new() -> State {
        State { request: None, before: Some(Tail::default()), held: None, tail: None }
    }
}

impl Tail {
    /// Bytes are cut away only now and then, so that a talkative function does not move them with every line.
    fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
        if self.0.len() > 16 * TAIL_BYTES_MAX {
            self.0.drain(..self.0.len() - TAIL_BYTES_MAX);
        }
    }

    fn finish(self) -> Bytes {
        let from = self.0.len().saturating_sub(TAIL_BYTES_MAX);
        Bytes::from(self.0).slice(from..)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_is_the_end() {
        let mut tail = Tail::default();
        let mut whole = Vec::new();
        for n in 0..20_000 {
            let line = format!("line {n}\n");
            tail.push(line.as_bytes());
            whole.extend_from_slice(line.as_bytes());
        }
        assert_eq!(tail.finish(), whole[whole.len() - TAIL_BYTES_MAX..]);
    }
}

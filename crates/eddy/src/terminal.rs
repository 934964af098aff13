//! What `eddy up` prints while it serves: one line for each finished request or event, and below it, indented,
//! what it caused.
//!
//! Nodes finish children first (a function's calls end before the function does), and trees of several requests
//! interleave. So what is below an unfinished node is held back until that node ends, and a tree that was left
//! for another one is taken up again with its root in brackets.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use eddy_base::{Id, Task};
use eddy_bus::{Progress, Step};
use eddy_telemetry::{Kind, News, Node};
use tokio::sync::broadcast::error::RecvError;

use crate::assemble::App;
use crate::cli::harmless;

/// Trees older than the newest this many are forgotten; their latecomers start at the margin.
const TREES_MAX: usize = 4096;
/// Lines that one unfinished node may hold back.
const HELD_MAX: usize = 256;

/// A finished node of a tree of causes.
#[derive(Debug, Clone)]
pub struct Finished {
    pub id: Id,
    pub root: Id,
    /// The node directly above, itself for a root.
    pub parent: Id,
    /// The line without indentation: `PUT source/a.txt 200 2 ms`.
    pub text: String,
}

/// The printer's memory.
#[derive(Debug, Default)]
pub struct Terminal {
    trees: HashMap<Id, Tree>,
    order: VecDeque<Id>,
    last_printed: Option<Id>,
}

#[derive(Debug, Default)]
struct Tree {
    title: Option<String>,
    depths: HashMap<Id, usize>,
    running: HashMap<Id, usize>,
    held: HashMap<Id, Vec<Finished>>,
}

impl Terminal {
    /// A node has begun; what it causes waits for its end. `parent` is where it will hang.
    pub fn began(&mut self, id: Id, root: Id, parent: Id) {
        let tree = self.tree(root);
        let depth = tree.depths.get(&parent).or(tree.running.get(&parent)).map_or(0, |depth| depth + 1);
        tree.running.insert(id, depth);
    }

    /// An event has been handed over: it has no line, and what it starts stands below what caused it.
    pub fn passed(&mut self, id: Id, root: Id, parent: Id) {
        let tree = self.tree(root);
        let depth = tree.depths.get(&parent).copied().unwrap_or_default();
        tree.depths.insert(id, depth);
    }

    /// A node has ended: the lines to print now.
    pub fn finished(&mut self, node: Finished) -> Vec<String> {
        let root = node.root;
        let interrupted = self.last_printed != Some(root);
        let tree = self.tree(root);
        if node.parent != node.id && tree.running.contains_key(&node.parent) {
            let held = tree.held.entry(node.parent).or_default();
            if held.len() < HELD_MAX {
                held.push(node);
            }
            return Vec::new();
        }
        let mut lines = Vec::new();
        if interrupted
            && node.id != root
            && let Some(title) = &tree.title
        {
            lines.push(format!("({title})"));
        }
        tree.print(node, &mut lines);
        self.last_printed = Some(root);
        lines
    }

    /// What the bus says about an event: that it comes again, or that it is given up.
    pub fn note(&mut self, progress: &Progress, now: eddy_base::Timestamp) -> Vec<String> {
        let eddy_bus::TargetName::Function { name, .. } = &progress.target;
        let what = format!("{name}: {} {}", progress.kind, progress.subject).replace(char::is_control, "?");
        let (attempt, attempts) = (progress.attempt, progress.attempts_max);
        let said = match &progress.step {
            Step::Delivered { .. } => return Vec::new(),
            Step::Failed { due, .. } => {
                let seconds = due.since(now).as_secs_f64().round();
                format!("{what}: attempt {attempt} of {attempts}, next in {seconds} s")
            }
            Step::PutBack { reason, due } => {
                let seconds = due.since(now).as_secs_f64().round();
                format!("{what}: put back ({reason}), next in {seconds} s")
            }
            Step::Dead { reason, .. } => {
                let id = progress.event;
                format!("{what}: attempt {attempt} of {attempts}, kept as failed: {reason}; event {id}")
            }
        };
        self.last_printed = None;
        vec![format!("  {said}")]
    }

    fn tree(&mut self, root: Id) -> &mut Tree {
        if !self.trees.contains_key(&root) {
            self.order.push_back(root);
            if self.order.len() > TREES_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.trees.remove(&oldest);
            }
        }
        self.trees.entry(root).or_default()
    }
}

impl Tree {
    /// Prints a node and, below it, what waited for it.
    fn print(&mut self, node: Finished, lines: &mut Vec<String>) {
        let above = self.depths.get(&node.parent).copied();
        let depth = if node.parent == node.id { 0 } else { above.map_or(0, |depth| depth + 1) };
        self.running.remove(&node.id);
        self.depths.insert(node.id, depth);
        if self.title.is_none() {
            self.title = node.text.lines().next().map(str::to_owned);
        }
        let indented = node.text.lines().map(|line| format!("{:indent$}{line}", "", indent = 2 * depth));
        lines.extend(indented);
        for below in self.held.remove(&node.id).unwrap_or_default() {
            self.print(below, lines);
        }
    }
}

/// Prints what ends from now on, to stderr: stdout is for data.
pub fn print_finished(app: &Arc<App>) -> Task {
    let (mut news, mut progress) = (app.engines.telemetry.news(), app.bus.progress());
    let mut terminal = Terminal::default();
    let app = app.clone();
    let env = app.engines.store.env().clone();
    let task = async move {
        loop {
            let lines = tokio::select! {
                biased;
                news = news.recv() => match news {
                    Ok(News::Began(begun)) => {
                        terminal.began(begun.id, begun.cause.root, begun.cause.parent);
                        Vec::new()
                    }
                    Ok(News::Ended(node)) if node.kind == Kind::Event => {
                        terminal.passed(node.id, node.cause.root, node.cause.parent);
                        Vec::new()
                    }
                    Ok(News::Ended(node)) => terminal.finished(finished(&node)),
                    Err(RecvError::Lagged(missed)) => vec![format!("({missed} lines not shown: too fast)")],
                    Err(RecvError::Closed) => return,
                },
                progress = progress.recv() => match progress {
                    Ok(progress) => terminal.note(&progress, app.engines.store.env().now()),
                    Err(RecvError::Lagged(_)) => Vec::new(),
                    Err(RecvError::Closed) => return,
                },
            };
            let mut stderr = io::stderr().lock();
            for line in lines {
                // A terminal that is gone is no reason to stop serving.
                drop(writeln!(stderr, "{}", harmless(&line)));
            }
        }
    };
    env.spawn("terminal", Box::pin(task))
}

fn finished(node: &Node) -> Finished {
    Finished { id: node.id, root: node.cause.root, parent: node.cause.parent, text: text(node) }
}

/// A node in one line: `PUT source/a.txt 200 2 ms`, `copy cold 31 ms ok`.
pub fn line(node: &Node) -> String {
    let took = span(node.took());
    match node.kind {
        Kind::Request => format!("{} {} {took}", node.label, node.outcome),
        Kind::Event => format!("{} {}", node.label, node.outcome),
        Kind::Invocation => {
            let cold = if node.detail.as_deref() == Some("cold") { "cold " } else { "" };
            format!("{} {cold}{took} {}", node.label, node.outcome)
        }
    }
}

/// The line, and below it what a person needs to mend a failure.
fn text(node: &Node) -> String {
    let mut text = line(node);
    for detail in node.detail.iter().filter(|detail| *detail != "cold").flat_map(|detail| detail.lines()) {
        text.push_str("\n    ");
        text.push_str(detail);
    }
    text
}

fn span(span: Duration) -> String {
    match span.as_millis() {
        0 => format!("{:.1} ms", span.as_secs_f64() * 1000.0),
        millis if millis < 10_000 => format!("{millis} ms"),
        _ => format!("{:.1} s", span.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> Id {
        Id::from_bytes([number; 16])
    }

    fn node(own: u8, root: u8, parent: u8, text: &str) -> Finished {
        Finished { id: id(own), root: id(root), parent: id(parent), text: text.to_owned() }
    }

    #[test]
    fn what_a_function_does_stands_below_it() {
        let mut terminal = Terminal::default();
        assert_eq!(terminal.finished(node(1, 1, 1, "PUT source/a.txt 200")), ["PUT source/a.txt 200"]);
        terminal.began(id(2), id(1), id(1));
        assert!(terminal.finished(node(3, 1, 2, "PUT destination/a.txt 200")).is_empty());
        assert_eq!(
            terminal.finished(node(2, 1, 1, "copy cold ok")),
            ["  copy cold ok", "    PUT destination/a.txt 200"]
        );
    }

    #[test]
    fn a_tree_that_was_left_is_taken_up_again_with_its_root() {
        let mut terminal = Terminal::default();
        terminal.finished(node(1, 1, 1, "PUT source/a.txt 200"));
        terminal.finished(node(5, 5, 5, "GET other 200"));
        assert_eq!(terminal.finished(node(2, 1, 1, "copy ok")), ["(PUT source/a.txt 200)", "  copy ok"]);
    }

    #[test]
    fn a_node_of_a_forgotten_tree_starts_at_the_margin() {
        assert_eq!(Terminal::default().finished(node(2, 1, 9, "copy ok")), ["copy ok"]);
    }
}

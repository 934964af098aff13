//! From nodes to trees.

use std::collections::HashMap;

use eddy_base::Id;

use super::Node;

/// A node and what it caused, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    pub node: Node,
    pub below: Vec<Tree>,
    /// There is more than is shown. Only at the root.
    pub is_cut: bool,
}

impl Tree {
    /// Builds the tree of `root`. A node whose parent is not among them (a read from outside is not kept, a node
    /// may have been lost) hangs below the root. Nothing without a root node: then the oldest stands in for it.
    pub fn grow(root: Id, nodes: Vec<Node>, is_cut: bool) -> Option<Tree> {
        let known: Vec<Id> = nodes.iter().map(|node| node.id).collect();
        let top = nodes
            .iter()
            .find(|node| node.id == root)
            .or_else(|| nodes.iter().min_by_key(|node| node.started));
        let top = top?.clone();
        let mut below: HashMap<Id, Vec<Node>> = HashMap::new();
        for node in nodes {
            if node.id != top.id {
                let parent = node.cause.parent;
                let hangs = parent != node.id && known.contains(&parent);
                below.entry(if hangs { parent } else { top.id }).or_default().push(node);
            }
        }
        Some(Tree { is_cut, ..hang(top, &mut below) })
    }
}

/// Each node is taken out of the map once, so a ring of causes, which cannot be, would end all the same.
fn hang(node: Node, below: &mut HashMap<Id, Vec<Node>>) -> Tree {
    let mut children = below.remove(&node.id).unwrap_or_default();
    children.sort_by_key(|child| child.started);
    let below = children.into_iter().map(|child| hang(child, below)).collect();
    Tree { node, below, is_cut: false }
}

#[cfg(test)]
mod tests {
    use eddy_base::{Cause, Timestamp};

    use super::*;
    use crate::Kind;

    fn node(id: u8, parent: u8, at: i64) -> Node {
        let (id, root) = (Id::from_bytes([id; 16]), Id::from_bytes([1; 16]));
        Node {
            id,
            cause: Cause { root, parent: Id::from_bytes([parent; 16]), hops: 0 },
            kind: Kind::Request,
            label: format!("{id}"),
            outcome: "200".to_owned(),
            started: Timestamp::from_millis(at),
            took_micros: 1,
            subject: None,
            detail: None,
        }
    }

    /// The tree as ids' first bytes: `1(2(3)4)`.
    fn shape(tree: &Tree) -> String {
        let below: String = tree.below.iter().map(shape).collect();
        let own = tree.node.id.as_bytes()[0];
        if below.is_empty() { own.to_string() } else { format!("{own}({below})") }
    }

    #[test]
    fn nodes_hang_below_their_causes() {
        for (nodes, expected) in [
            (vec![node(1, 1, 0), node(2, 1, 1), node(3, 2, 2), node(4, 1, 3)], Some("1(2(3)4)")),
            (vec![node(3, 2, 2), node(1, 1, 0), node(4, 1, 3), node(2, 1, 1)], Some("1(2(3)4)")),
            (vec![node(1, 1, 0), node(3, 9, 2)], Some("1(3)")),
            (vec![node(2, 1, 1), node(3, 2, 2)], Some("2(3)")),
            (vec![], None),
        ] {
            let tree = Tree::grow(Id::from_bytes([1; 16]), nodes, false);
            assert_eq!(tree.as_ref().map(shape).as_deref(), expected);
        }
    }
}

//! What a stage's route keys compile to, and the choice among them.
//!
//! A request takes the first of: a route whose path matches as a whole, literal segments before variables; the
//! route with a greedy variable that leaves it the least; `$default`. On one path a named method comes before
//! `ANY`. A path that ends in a slash has an empty last segment: no literal but the root's takes it, a
//! variable does.

use std::collections::HashMap;

use super::{Key, Method, Path, Segment};

/// The routes of a stage, ready to be asked. `T` is what a route leads to.
#[derive(Debug)]
pub struct Table<T> {
    root: Node,
    default: Option<usize>,
    routes: Vec<T>,
}

/// The route that takes a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Found<'a, T> {
    pub route: &'a T,
    /// The path's variables in the order of the path.
    pub variables: Vec<(&'a str, String)>,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<String, Node>,
    variable: Option<Box<Node>>,
    /// Routes that end here.
    ends: Leaf,
    /// Routes whose greedy variable begins here.
    greedy: Leaf,
}

/// The routes of one path by their methods.
#[derive(Debug, Default)]
struct Leaf(Vec<(Method, End)>);

/// A route and what its variables are called: two routes may name the same segment differently.
#[derive(Debug)]
struct End {
    route: usize,
    names: Vec<String>,
}

impl<T> Table<T> {
    /// Compiles routes. Of two that take exactly the same requests the later one is never found.
    pub fn new(routes: impl IntoIterator<Item = (Key, T)>) -> Table<T> {
        let mut table = Table { root: Node::default(), default: None, routes: Vec::new() };
        for (key, route) in routes {
            let index = table.routes.len();
            table.routes.push(route);
            match key {
                Key::Default => table.default = table.default.or(Some(index)),
                Key::Path { method, path } => table.root.add(method, path, index),
            }
        }
        table
    }

    /// The route for a request, whose `path` begins with a slash and is already decoded.
    pub fn find(&self, method: &str, path: &str) -> Option<Found<'_, T>> {
        let segments: Vec<&str> = path.strip_prefix('/').unwrap_or(path).split('/').collect();
        let mut taken = Vec::new();
        let end = self.root.whole(method, &segments, &mut taken);
        let end = end.or_else(|| {
            taken.clear();
            self.root.greedy(method, &segments, &mut taken)
        });
        let Some(end) = end else {
            let route = &self.routes[self.default?];
            return Some(Found { route, variables: Vec::new() });
        };
        let variables = end.names.iter().map(String::as_str).zip(taken).collect();
        Some(Found { route: &self.routes[end.route], variables })
    }

    /// What all routes lead to.
    pub fn routes(&self) -> &[T] {
        &self.routes
    }
}

impl Node {
    fn add(&mut self, method: Method, path: Path, route: usize) {
        let mut node = self;
        let mut names = Vec::new();
        for segment in path.segments {
            match segment {
                Segment::Literal(text) => node = node.literals.entry(text).or_default(),
                Segment::Variable(name) => {
                    names.push(name);
                    node = node.variable.get_or_insert_default();
                }
                Segment::Greedy(name) => {
                    names.push(name);
                    return node.greedy.0.push((method, End { route, names }));
                }
            }
        }
        node.ends.0.push((method, End { route, names }));
    }

    /// The route whose path is all of `segments`. What its variables take is left in `taken`.
    fn whole(&self, method: &str, segments: &[&str], taken: &mut Vec<String>) -> Option<&End> {
        let Some((first, rest)) = segments.split_first() else { return self.ends.of(method) };
        if let Some(end) = self.literals.get(*first).and_then(|node| node.whole(method, rest, taken)) {
            return Some(end);
        }
        let next = self.variable.as_ref()?;
        taken.push((*first).to_owned());
        let end = next.whole(method, rest, taken);
        if end.is_none() {
            taken.pop();
        }
        end
    }

    /// The route whose greedy variable takes the fewest of `segments`.
    fn greedy(&self, method: &str, segments: &[&str], taken: &mut Vec<String>) -> Option<&End> {
        let (first, rest) = segments.split_first()?;
        if let Some(end) = self.literals.get(*first).and_then(|node| node.greedy(method, rest, taken)) {
            return Some(end);
        }
        if let Some(next) = &self.variable {
            taken.push((*first).to_owned());
            if let Some(end) = next.greedy(method, rest, taken) {
                return Some(end);
            }
            taken.pop();
        }
        let end = self.greedy.of(method)?;
        taken.push(segments.join("/"));
        Some(end)
    }
}

impl Leaf {
    fn of(&self, method: &str) -> Option<&End> {
        let named = self.0.iter().find(|(own, _)| own.as_str() == method && *own != Method::Any);
        named.or_else(|| self.0.iter().find(|(own, _)| *own == Method::Any)).map(|(_, end)| end)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table(keys: &[&'static str]) -> Table<&'static str> {
        Table::new(keys.iter().map(|key| (key.parse().unwrap(), *key)))
    }

    /// Method, path, the route that takes it, and what its variables are.
    type Case<'a> = (&'a str, &'a str, Option<&'a str>, &'a [(&'a str, &'a str)]);

    fn check(keys: &[&'static str], cases: &[Case<'_>]) {
        let table = table(keys);
        for (method, path, route, variables) in cases {
            let found = table.find(method, path);
            assert_eq!(found.as_ref().map(|found| *found.route), *route, "{method} {path}");
            let found = found.map(|found| found.variables).unwrap_or_default();
            let found: Vec<(&str, &str)> =
                found.iter().map(|(name, value)| (*name, value.as_str())).collect();
            assert_eq!(found, *variables, "{method} {path}");
        }
    }

    #[test]
    fn the_order_that_is_documented() {
        check(
            &["$default", "ANY /{proxy+}", "GET /pets/{proxy+}", "GET /pets/dog/{id}", "GET /pets/dog/1"],
            &[
                ("GET", "/pets/dog/1", Some("GET /pets/dog/1"), &[]),
                ("GET", "/pets/dog/2", Some("GET /pets/dog/{id}"), &[("id", "2")]),
                ("GET", "/pets/cat/1", Some("GET /pets/{proxy+}"), &[("proxy", "cat/1")]),
                ("POST", "/test/5", Some("ANY /{proxy+}"), &[("proxy", "test/5")]),
            ],
        );
    }

    #[test]
    fn a_method_comes_before_any_and_a_literal_before_a_variable() {
        check(
            &["ANY /a", "GET /a", "POST /{x}", "GET /{x}/b", "ANY /a/c"],
            &[
                ("GET", "/a", Some("GET /a"), &[]),
                ("PUT", "/a", Some("ANY /a"), &[]),
                ("POST", "/a", Some("ANY /a"), &[]),
                ("POST", "/z", Some("POST /{x}"), &[("x", "z")]),
                ("GET", "/z", None, &[]),
                // The literal `a` leads nowhere for this path, so the variable takes it.
                ("GET", "/a/b", Some("GET /{x}/b"), &[("x", "a")]),
                ("ANY", "/z", None, &[]),
            ],
        );
    }

    #[test]
    fn a_slash_at_the_end_is_an_empty_segment() {
        check(
            &["GET /hello", "GET /m/{rest+}", "GET /v/{x}", "GET /"],
            &[
                ("GET", "/hello/", None, &[]),
                ("GET", "/m", None, &[]),
                ("GET", "/m/", Some("GET /m/{rest+}"), &[("rest", "")]),
                ("GET", "/m/a/", Some("GET /m/{rest+}"), &[("rest", "a/")]),
                ("GET", "/v/", Some("GET /v/{x}"), &[("x", "")]),
                ("GET", "/", Some("GET /"), &[]),
            ],
        );
        check(&["GET /{x}"], &[("GET", "/", Some("GET /{x}"), &[("x", "")])]);
    }

    #[test]
    fn the_closest_greedy_route_wins_and_default_comes_last() {
        check(
            &["$default", "ANY /a/{rest+}", "ANY /a/b/{rest+}", "GET /a/{x}/{rest+}"],
            &[
                ("GET", "/a/b/c", Some("ANY /a/b/{rest+}"), &[("rest", "c")]),
                ("GET", "/a/z/c", Some("GET /a/{x}/{rest+}"), &[("x", "z"), ("rest", "c")]),
                ("PUT", "/a/z/c", Some("ANY /a/{rest+}"), &[("rest", "z/c")]),
                ("PUT", "/q", Some("$default"), &[]),
            ],
        );
    }

    #[test]
    fn variables_have_the_names_of_the_route_that_was_found() {
        check(
            &["GET /p/{id}", "POST /p/{name}"],
            &[
                ("GET", "/p/1", Some("GET /p/{id}"), &[("id", "1")]),
                ("POST", "/p/1", Some("POST /p/{name}"), &[("name", "1")]),
            ],
        );
    }

    proptest! {
        #[test]
        fn a_path_made_from_a_key_finds_a_route(
            segments in proptest::collection::vec("[a-c]|\\{[x-z]\\}", 1..5),
            others in proptest::collection::vec("GET (/([a-c]|\\{[x-z]\\})){1,4}", 0..8),
        ) {
            let key = format!("GET /{}", segments.join("/"));
            let Ok(parsed) = key.parse::<Key>() else { return Ok(()) };
            let others = others.iter().filter_map(|text| text.parse().ok().map(|key| (key, ())));
            let table = Table::new(others.chain([(parsed, ())]));
            let path = key.trim_start_matches("GET ").replace(['{', '}'], "");
            prop_assert!(table.find("GET", &path).is_some());
        }
    }
}

//! URI templates: `/{Bucket}/{Key+}?uploads`.

/// A template, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub struct Uri {
    pub segments: Vec<Segment>,
    /// Query keys that must be there, with their value where one is given.
    pub query: Vec<(&'static str, Option<&'static str>)>,
}

/// One part of a path between slashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment {
    Literal(&'static str),
    /// One segment, whatever it says.
    Label(&'static str),
    /// All that is left, slashes included, never empty.
    Greedy(&'static str),
}

impl Uri {
    pub(super) fn parse(template: &'static str) -> Uri {
        let (path, query) = template.split_once('?').unwrap_or((template, ""));
        let segments = path.split('/').filter(|segment| !segment.is_empty()).map(Segment::parse).collect();
        let query = query.split('&').filter(|pair| !pair.is_empty());
        let query = query.map(|pair| match pair.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (pair, None),
        });
        Uri { segments, query: query.collect() }
    }

    pub fn is_greedy(&self) -> bool {
        matches!(self.segments.last(), Some(Segment::Greedy(_)))
    }
}

impl Segment {
    fn parse(text: &'static str) -> Segment {
        let Some(label) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
            return Segment::Literal(text);
        };
        label.strip_suffix('+').map_or(Segment::Label(label), Segment::Greedy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_come_apart() {
        let uri = Uri::parse("/{Bucket}/{Key+}?select&select-type=2");
        assert_eq!(uri.segments, [Segment::Label("Bucket"), Segment::Greedy("Key")]);
        assert_eq!(uri.query, [("select", None), ("select-type", Some("2"))]);
        assert_eq!(Uri::parse("/2015-03-31/functions/").segments.len(), 2);
        assert_eq!(Uri::parse("/"), Uri { segments: Vec::new(), query: Vec::new() });
    }
}

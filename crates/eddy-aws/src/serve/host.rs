//! What the host name of a request says: a data plane, or a bucket.

use http::request::Parts;

/// Sub-domains of a base: `copy.s3.us-east-1` of `copy.s3.us-east-1.localhost`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Label {
    /// No base, or the base itself.
    None,
    Api {
        api: String,
        region: Option<String>,
    },
    FunctionUrl {
        id: String,
        region: Option<String>,
    },
    Bucket(String),
}

/// `host:port` as the client wrote it; empty for a client of HTTP/1.0 that wrote none.
pub(crate) fn of(head: &Parts) -> &str {
    let header = head.headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    header.or_else(|| head.uri.authority().map(http::uri::Authority::as_str)).unwrap_or_default()
}

/// Reads a host against the bases, `localhost` and `domains`.
pub(super) fn label(host: &str, domains: &[String]) -> Label {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    };
    let name = name.trim_end_matches('.');
    let bases = std::iter::once("localhost").chain(domains.iter().map(String::as_str));
    let Some(labels) = bases.into_iter().find_map(|base| below(name, base)) else { return Label::None };
    let labels = labels.to_ascii_lowercase();
    if let Some((api, region)) = split(&labels, "execute-api") {
        return Label::Api { api, region };
    }
    if let Some((id, region)) = split(&labels, "lambda-url") {
        return Label::FunctionUrl { id, region };
    }
    bucket(&labels)
}

/// What stands before `.base`.
fn below<'a>(name: &'a str, base: &str) -> Option<&'a str> {
    let cut = name.len().checked_sub(base.len() + 1)?;
    let (labels, rest) = (name.get(..cut)?, name.get(cut..)?);
    (rest.starts_with('.') && rest[1..].eq_ignore_ascii_case(base) && !labels.is_empty()).then_some(labels)
}

/// `id.word` or `id.word.region`, where the id is one label.
fn split(labels: &str, word: &str) -> Option<(String, Option<String>)> {
    let mut parts = labels.split('.');
    let (id, found, region) = (parts.next()?, parts.next()?, parts.next());
    (found == word && parts.next().is_none() && !id.is_empty())
        .then(|| (id.to_owned(), region.map(str::to_owned)))
}

/// `bucket`, `bucket.s3`, `bucket.s3.region`; a bucket's name may have dots. `s3` and `s3.region` are S3 itself,
/// and `eddy` is the console.
fn bucket(labels: &str) -> Label {
    let parts: Vec<&str> = labels.split('.').collect();
    let is_s3 = |part: &&str| *part == "s3" || part.starts_with("s3-");
    let end = match parts.iter().rposition(is_s3) {
        Some(at) if at + 2 >= parts.len() => at,
        Some(_) | None => parts.len(),
    };
    match &parts[..end] {
        [] | ["eddy"] => Label::None,
        name => Label::Bucket(name.join(".")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let bucket = |name: &str| Label::Bucket(name.to_owned());
        let api = |region: Option<&str>| Label::Api { api: "abc".into(), region: region.map(str::to_owned) };
        let url =
            |region: Option<&str>| Label::FunctionUrl { id: "xyz".into(), region: region.map(str::to_owned) };
        for (host, expected) in [
            ("localhost:4566", Label::None),
            ("127.0.0.1:4566", Label::None),
            ("[::1]:4566", Label::None),
            ("", Label::None),
            ("example.com", Label::None),
            ("eddy.localhost:4566", Label::None),
            ("s3.localhost", Label::None),
            ("s3.us-east-1.localhost", Label::None),
            ("bkt.localhost:4566", bucket("bkt")),
            ("bkt.s3.localhost", bucket("bkt")),
            ("BKT.s3.us-east-1.LOCALHOST:1", bucket("bkt")),
            ("a.b.s3.eu-west-1.localhost", bucket("a.b")),
            ("a.b.localhost", bucket("a.b")),
            ("abc.execute-api.localhost:4566", api(None)),
            ("abc.execute-api.us-east-1.localhost", api(Some("us-east-1"))),
            ("xyz.lambda-url.localhost", url(None)),
            ("xyz.lambda-url.us-east-1.eddy.test", url(Some("us-east-1"))),
            ("execute-api.localhost", bucket("execute-api")),
            ("bkt.eddy.test", bucket("bkt")),
            ("notlocalhost", Label::None),
        ] {
            assert_eq!(label(host, &["eddy.test".to_owned()]), expected, "{host}");
        }
    }
}

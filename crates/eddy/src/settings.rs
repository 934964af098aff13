//! What can be set, and where each value came from: a flag, else `EDDY_NAME`, else `eddy.toml` in the data
//! folder, else the default.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use eddy_base::Region;
use eddy_runtime::Tier;

/// A value and its origin, as `eddy doctor` prints them.
#[derive(Debug, Clone)]
pub struct Setting<T> {
    pub value: T,
    pub origin: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Flag(&'static str),
    Variable(String),
    File(PathBuf),
    Default,
}

/// How much of a request's identity is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// Every signature is checked.
    Signatures,
    /// Whoever can connect is root. Loopback only, and loud.
    None,
}

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Settings {
    pub data: Setting<PathBuf>,
    pub listen: Setting<SocketAddr>,
    pub auth: Setting<Auth>,
    pub region: Setting<Region>,
    pub min_tier: Setting<Tier>,
    /// Further host names under which this server is reached, beside `localhost` and 127.0.0.1.
    pub domain: Setting<Vec<String>>,
}

/// What the command line said.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Flags {
    /// Folder that holds everything eddy keeps [default: ~/.local/share/eddy]
    #[arg(long, global = true, value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// Address to serve on, or to find the server at [default: 127.0.0.1:4566]
    #[arg(long, global = true, value_name = "IP:PORT")]
    pub listen: Option<String>,
}

/// What the command line of `eddy up` said beside [`Flags`].
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ServeFlags {
    /// `signatures` (default), or `none`: whoever can connect is root, on loopback only
    #[arg(long, value_name = "MODE")]
    pub auth: Option<String>,
    /// Region that `up` deploys to [default: AWS_DEFAULT_REGION, else us-east-1]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Least isolation that functions may run with: A, B (default), C or D
    #[arg(long, value_name = "TIER")]
    pub min_tier: Option<String>,
    /// A further host name under which this server is reached; may be repeated
    #[arg(long, value_name = "NAME")]
    pub domain: Vec<String>,
}

/// A setting that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{name}: {text:?} is not {wanted}")]
    Malformed { name: String, text: String, wanted: &'static str },
    #[error("{path}: {why}")]
    File { path: PathBuf, why: String },
    #[error("{path}: there is no setting `{name}`; there are listen, auth, region, min_tier and domain")]
    Unknown { path: PathBuf, name: String },
    #[error("no HOME to keep data in: say --data FOLDER")]
    NoHome,
    #[error("--auth none is for loopback only, and {0} is not a loopback address")]
    OpenToTheWorld(SocketAddr),
}

impl Settings {
    /// Reads flags, environment and `eddy.toml`.
    ///
    /// # Errors
    /// When any given value is malformed, whichever value would win; when the file has a name that is none of
    /// ours; when signatures would be off on an address that others can reach.
    pub fn read(flags: &Flags, serve: &ServeFlags) -> Result<Settings, Error> {
        let data = data_folder(flags)?;
        let file = File::read(&data.value.join("eddy.toml"))?;
        let source = Source { file: &file };
        let settings = Settings {
            listen: source.one(
                "listen",
                flags.listen.as_deref(),
                "IP:PORT",
                parse_address,
                default_address,
            )?,
            auth: source.one("auth", serve.auth.as_deref(), "`signatures` or `none`", parse_auth, || {
                Auth::Signatures
            })?,
            region: region(&source, serve.region.as_deref())?,
            min_tier: source.one(
                "min_tier",
                serve.min_tier.as_deref(),
                "A, B, C or D",
                parse_tier,
                || Tier::B,
            )?,
            domain: domains(&source, &serve.domain)?,
            data,
        };
        if settings.auth.value == Auth::None && !settings.listen.value.ip().is_loopback() {
            return Err(Error::OpenToTheWorld(settings.listen.value));
        }
        Ok(settings)
    }

    /// Each setting as name, value and origin, for people.
    pub fn rows(&self) -> Vec<(&'static str, String, String)> {
        let auth = match self.auth.value {
            Auth::Signatures => "signatures",
            Auth::None => "none",
        };
        vec![
            ("data", self.data.value.display().to_string(), self.data.origin.to_string()),
            ("listen", self.listen.value.to_string(), self.listen.origin.to_string()),
            ("auth", auth.to_owned(), self.auth.origin.to_string()),
            ("region", self.region.value.to_string(), self.region.origin.to_string()),
            ("min_tier", self.min_tier.value.to_string(), self.min_tier.origin.to_string()),
            ("domain", self.domain.value.join(" "), self.domain.origin.to_string()),
        ]
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Flag(name) => write!(f, "flag --{name}"),
            Origin::Variable(name) => write!(f, "variable {name}"),
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// The one documented place for data: `--data`, else `EDDY_DATA`, else `~/.local/share/eddy`.
fn data_folder(flags: &Flags) -> Result<Setting<PathBuf>, Error> {
    if let Some(folder) = &flags.data {
        return Ok(Setting { value: absolute(folder), origin: Origin::Flag("data") });
    }
    if let Some(folder) = variable("EDDY_DATA") {
        return Ok(Setting {
            value: absolute(Path::new(&folder)),
            origin: Origin::Variable("EDDY_DATA".into()),
        });
    }
    let home = variable("HOME").ok_or(Error::NoHome)?;
    Ok(Setting { value: Path::new(&home).join(".local/share/eddy"), origin: Origin::Default })
}

fn absolute(folder: &Path) -> PathBuf {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf())
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// `eddy.toml`: flat names, texts or lists of texts.
struct File {
    path: PathBuf,
    values: toml::Table,
}

impl File {
    const NAMES: [&'static str; 5] = ["listen", "auth", "region", "min_tier", "domain"];

    fn read(path: &Path) -> Result<File, Error> {
        let path = path.to_path_buf();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(why) => return Err(Error::File { path, why: why.to_string() }),
        };
        let values: toml::Table =
            toml::from_str(&text).map_err(|why| Error::File { path: path.clone(), why: why.to_string() })?;
        if let Some(name) = values.keys().find(|name| !File::NAMES.contains(&name.as_str())) {
            return Err(Error::Unknown { name: name.clone(), path });
        }
        Ok(File { path, values })
    }

    fn text(&self, name: &str) -> Result<Option<String>, Error> {
        match self.values.get(name) {
            None => Ok(None),
            Some(toml::Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(malformed(name, &other.to_string(), "a text in quotes")),
        }
    }
}

struct Source<'a> {
    file: &'a File,
}

impl Source<'_> {
    /// The text that wins for `name`, with its origin.
    fn text(&self, name: &'static str, flag: Option<&str>) -> Result<Option<(String, Origin)>, Error> {
        if let Some(text) = flag {
            return Ok(Some((text.to_owned(), Origin::Flag(flag_name(name)))));
        }
        let variable_name = format!("EDDY_{}", name.to_uppercase());
        if let Some(text) = variable(&variable_name) {
            return Ok(Some((text, Origin::Variable(variable_name))));
        }
        let text = self.file.text(name)?;
        Ok(text.map(|text| (text, Origin::File(self.file.path.clone()))))
    }

    fn one<T>(
        &self,
        name: &'static str,
        flag: Option<&str>,
        wanted: &'static str,
        parse: fn(&str) -> Option<T>,
        default: fn() -> T,
    ) -> Result<Setting<T>, Error> {
        let Some((text, origin)) = self.text(name, flag)? else {
            return Ok(Setting { value: default(), origin: Origin::Default });
        };
        let value = parse(&text).ok_or_else(|| malformed(name, &text, wanted))?;
        Ok(Setting { value, origin })
    }
}

fn malformed(name: &str, text: &str, wanted: &'static str) -> Error {
    Error::Malformed { name: name.to_owned(), text: text.to_owned(), wanted }
}

fn flag_name(name: &'static str) -> &'static str {
    if name == "min_tier" { "min-tier" } else { name }
}

fn default_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 4566))
}

fn parse_address(text: &str) -> Option<SocketAddr> {
    let with_ip = text.replacen("localhost:", "127.0.0.1:", 1);
    SocketAddr::from_str(&with_ip).ok()
}

fn parse_auth(text: &str) -> Option<Auth> {
    match text {
        "signatures" => Some(Auth::Signatures),
        "none" => Some(Auth::None),
        _ => None,
    }
}

fn parse_tier(text: &str) -> Option<Tier> {
    text.parse().ok()
}

/// The region also listens to what the SDKs listen to.
fn region(source: &Source<'_>, flag: Option<&str>) -> Result<Setting<Region>, Error> {
    let parse = |text: &str| Region::new(text).ok();
    let own = source.one("region", flag, "a region such as us-east-1", parse, Region::default)?;
    if own.origin != Origin::Default {
        return Ok(own);
    }
    for name in ["AWS_DEFAULT_REGION", "AWS_REGION"] {
        if let Some(text) = variable(name) {
            let value = parse(&text).ok_or_else(|| malformed(name, &text, "a region such as us-east-1"))?;
            return Ok(Setting { value, origin: Origin::Variable(name.to_owned()) });
        }
    }
    Ok(own)
}

fn domains(source: &Source<'_>, flags: &[String]) -> Result<Setting<Vec<String>>, Error> {
    if !flags.is_empty() {
        return Ok(Setting { value: flags.to_vec(), origin: Origin::Flag("domain") });
    }
    let Some((text, origin)) = source.text("domain", None)? else {
        return Ok(Setting { value: Vec::new(), origin: Origin::Default });
    };
    Ok(Setting {
        value: text.split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        origin,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(toml: &str, listen: Option<&str>, auth: Option<&str>) -> Result<Settings, Error> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("eddy.toml"), toml).expect("the folder is writable");
        let flags = Flags { data: Some(folder.path().to_path_buf()), listen: listen.map(str::to_owned) };
        Settings::read(&flags, &ServeFlags { auth: auth.map(str::to_owned), ..ServeFlags::default() })
    }

    #[test]
    fn a_flag_beats_the_file_and_the_file_beats_the_default() {
        let settings = read("listen = '127.0.0.1:5000'", None, None).expect("well-formed");
        assert_eq!(settings.listen.value.port(), 5000);
        assert!(matches!(settings.listen.origin, Origin::File(_)));
        let settings = read("listen = '127.0.0.1:5000'", Some("localhost:6000"), None).expect("well-formed");
        assert_eq!((settings.listen.value.port(), settings.listen.origin), (6000, Origin::Flag("listen")));
        assert_eq!(read("", None, None).expect("well-formed").listen.value.port(), 4566);
    }

    #[test]
    fn what_is_malformed_or_unknown_is_refused_by_name() {
        for (toml, listen, auth, said) in [
            ("", Some("4566"), None, "listen: \"4566\" is not IP:PORT"),
            ("port = 1", None, None, "there is no setting `port`"),
            ("listen = 4566", None, None, "listen: \"4566\" is not a text in quotes"),
            ("", None, Some("off"), "auth: \"off\" is not `signatures` or `none`"),
            ("", Some("0.0.0.0:1"), Some("none"), "--auth none is for loopback only"),
        ] {
            let error = read(toml, listen, auth).expect_err(said).to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}

//! From the bytes of a zip to a folder, believing none of them.
//!
//! The list of entries is checked as a whole before anything is written: names, doubles, sizes, overlaps.
//! While writing, no entry may give more than it declared. Links are made last, so that nothing is ever
//! written through one. Encrypted entries, methods other than stored and deflate, and anything that would
//! leave the folder are refused.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;

use zip::{CompressionMethod, ZipArchive};

use crate::limits::{ENTRIES_MAX, PATH_BYTES_MAX, PATH_PART_BYTES_MAX, UNPACKED_BYTES_MAX};

/// What is wrong with a package.
#[derive(Debug, thiserror::Error)]
pub enum Bad {
    #[error("it is empty")]
    Empty,
    #[error("it is not a zip archive: {0}")]
    NotAZip(String),
    #[error("entry {0:?} {1}")]
    Entry(String, &'static str),
    #[error("two entries have the same name")]
    Double,
    #[error("entries overlap")]
    Overlap,
    #[error("it has more than {ENTRIES_MAX} entries")]
    TooMany,
    #[error("unzipped it is larger than {UNPACKED_BYTES_MAX} bytes")]
    TooLarge,
    /// Not the package's fault.
    #[error("writing failed: {0}")]
    Io(#[from] io::Error),
}

/// What an entry is to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    File { executable: bool },
    Link,
}

/// One checked entry.
#[derive(Debug)]
struct Entry {
    index: usize,
    kind: Kind,
    size_bytes: u64,
}

/// Unpacks into `folder`, which must exist and be empty. Gives the bytes of all files together.
///
/// # Errors
/// What is wrong; the folder then holds whatever was written so far.
pub fn unpack(zip: impl Read + Seek, folder: &Path) -> Result<u64, Bad> {
    let mut archive = ZipArchive::new(zip).map_err(not_a_zip)?;
    let entries = survey(&mut archive)?;
    let mut total_bytes = 0;
    let mut links = Vec::new();
    for (path, entry) in &entries {
        let target = folder.join(path);
        match entry.kind {
            Kind::Folder => make_folder(&target)?,
            Kind::Link => links.push((path, target, link_target(&mut archive, path, entry)?)),
            Kind::File { executable } => {
                make_folder(target.parent().expect("a path below the folder has a parent"))?;
                total_bytes += write_file(&mut archive, path, entry, &target, executable)?;
            }
        }
    }
    for (_, target, to) in links {
        make_folder(target.parent().expect("a path below the folder has a parent"))?;
        symlink(to, target)?;
    }
    Ok(total_bytes)
}

/// Checks all entries by what the directory of the archive says about them.
fn survey<R: Read + Seek>(archive: &mut ZipArchive<R>) -> Result<BTreeMap<String, Entry>, Bad> {
    if archive.is_empty() {
        return Err(Bad::Empty);
    }
    if archive.len() > ENTRIES_MAX {
        return Err(Bad::TooMany);
    }
    if archive.has_duplicate_names() {
        return Err(Bad::Double);
    }
    let mut entries = BTreeMap::new();
    let mut total_bytes = 0u64;
    for index in 0..archive.len() {
        let (path, entry) = read_entry(archive, index)?;
        total_bytes = total_bytes.saturating_add(entry.size_bytes);
        if total_bytes > UNPACKED_BYTES_MAX {
            return Err(Bad::TooLarge);
        }
        // The archive's own root ("./") asks for nothing.
        if !path.is_empty() && entries.insert(path, entry).is_some() {
            return Err(Bad::Double);
        }
    }
    if archive.has_overlapping_entries().map_err(not_a_zip)? {
        return Err(Bad::Overlap);
    }
    check_parents(&entries)?;
    Ok(entries)
}

fn read_entry<R: Read + Seek>(archive: &ZipArchive<R>, index: usize) -> Result<(String, Entry), Bad> {
    let data = archive.by_index_data(index).map_err(not_a_zip)?;
    let name = data.name().map_err(not_a_zip)?.into_owned();
    let bad = |what| Err(Bad::Entry(shown(&name), what));
    if data.encrypted() {
        return bad("is encrypted");
    }
    if !matches!(data.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
        return bad("is compressed in a way other than deflate");
    }
    let mode = data.unix_mode().unwrap_or(0o644);
    let kind = match mode & 0o170_000 {
        _ if data.is_dir() => Kind::Folder,
        0o120_000 => Kind::Link,
        0 | 0o100_000 => Kind::File { executable: mode & 0o111 != 0 },
        0o040_000 => Kind::Folder,
        _ => return bad("is neither file, folder nor link"),
    };
    let path = clean(&name)?;
    if path.is_empty() && kind != Kind::Folder {
        return bad("has no name");
    }
    Ok((path, Entry { index, kind, size_bytes: data.size() }))
}

/// The path without empty and `.` parts.
fn clean(name: &str) -> Result<String, Bad> {
    let bad = |what| Err(Bad::Entry(shown(name), what));
    if name.len() > PATH_BYTES_MAX {
        return bad("has too long a path");
    }
    if name.starts_with('/') || name.contains('\0') {
        return bad("is not a relative path");
    }
    let mut parts = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => return bad("leaves the package"),
            _ if part.len() > PATH_PART_BYTES_MAX => return bad("has too long a name"),
            _ => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// Nothing may lie below a file or a link.
fn check_parents(entries: &BTreeMap<String, Entry>) -> Result<(), Bad> {
    for path in entries.keys() {
        for (at, _) in path.match_indices('/') {
            match entries.get(&path[..at]).map(|above| above.kind) {
                None | Some(Kind::Folder) => {}
                Some(Kind::File { .. }) => return Err(Bad::Entry(shown(path), "lies below a file")),
                Some(Kind::Link) => return Err(Bad::Entry(shown(path), "lies below a link")),
            }
        }
    }
    Ok(())
}

/// Reads where a link leads and holds it against the one rule: some `..`, never more than the link is deep,
/// and only in front. Whatever further links the rest passes through obey the same rule from where they
/// really are, so no chain of them leaves the folder.
fn link_target<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    path: &str,
    entry: &Entry,
) -> Result<String, Bad> {
    let bad = |what| Err(Bad::Entry(shown(path), what));
    let mut to = Vec::new();
    let reader = archive.by_index(entry.index).map_err(not_a_zip)?;
    reader.take(PATH_BYTES_MAX as u64 + 1).read_to_end(&mut to).map_err(unreadable(path))?;
    let Ok(to) = String::from_utf8(to) else { return bad("is a link whose target is not UTF-8") };
    if to.is_empty() || to.len() > PATH_BYTES_MAX || to.contains('\0') {
        return bad("is a link without a usable target");
    }
    let ups = to.split('/').take_while(|part| *part == "..").count();
    let again = to.split('/').skip(ups).any(|part| part == "..");
    if to.starts_with('/') || again || ups > path.matches('/').count() {
        return bad("is a link that leaves the package");
    }
    Ok(to)
}

fn write_file<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    path: &str,
    entry: &Entry,
    target: &Path,
    executable: bool,
) -> Result<u64, Bad> {
    let mode = if executable { 0o755 } else { 0o644 };
    let mut file = File::options().write(true).create_new(true).mode(mode).open(target)?;
    // The mode of `open` is cut by the umask, and whoever runs the code is somebody else.
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    let reader = archive.by_index(entry.index).map_err(not_a_zip)?;
    let mut reader = reader.take(entry.size_bytes + 1);
    let mut buffer = vec![0; 64 * 1024];
    let mut written = 0;
    loop {
        // Reading fails on what the archive holds, writing on what the disk does: different people's fault.
        let count = reader.read(&mut buffer).map_err(unreadable(path))?;
        if count == 0 {
            break;
        }
        io::Write::write_all(&mut file, &buffer[..count])?;
        written += count as u64;
    }
    if written != entry.size_bytes {
        return Err(Bad::Entry(shown(path), "does not have the size that it declares"));
    }
    Ok(written)
}

fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent() {
        make_folder(above)?;
    }
    fs::create_dir(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

fn not_a_zip(error: zip::result::ZipError) -> Bad {
    match error {
        zip::result::ZipError::Io(error) if error.raw_os_error().is_some() => Bad::Io(error),
        other => Bad::NotAZip(other.to_string()),
    }
}

fn unreadable(path: &str) -> impl Fn(io::Error) -> Bad + '_ {
    move |error| match error.raw_os_error() {
        Some(_) => Bad::Io(error),
        None => Bad::Entry(shown(path), "is damaged"),
    }
}

/// A name as an error message may hold it.
fn shown(name: &str) -> String {
    name.chars().take(128).collect()
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use proptest::prelude::*;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    /// Name, mode, content.
    type Made<'a> = (&'a str, u32, &'a [u8]);

    fn zipped(entries: &[Made<'_>]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, mode, body) in entries {
            let options = SimpleFileOptions::default().unix_permissions(*mode & 0o777);
            if mode & 0o170_000 == 0o120_000 {
                writer.add_symlink(*name, std::str::from_utf8(body).unwrap(), options).unwrap();
            } else if name.ends_with('/') {
                writer.add_directory(*name, options).unwrap();
            } else {
                writer.start_file(*name, options).unwrap();
                writer.write_all(body).unwrap();
            }
        }
        writer.finish().unwrap().into_inner()
    }

    fn unpacked(bytes: &[u8]) -> (tempfile::TempDir, Result<u64, Bad>) {
        let folder = tempfile::tempdir().unwrap();
        let result = unpack(Cursor::new(bytes), folder.path());
        (folder, result)
    }

    #[test]
    fn files_folders_links_and_modes_arrive() {
        let (folder, size) = unpacked(&zipped(&[
            ("app.py", 0o100_600, b"print()"),
            ("bin/run", 0o100_755, b"#!"),
            ("lib/", 0o40_755, b""),
            ("lib/link", 0o120_777, b"../app.py"),
        ]));
        assert_eq!(size.unwrap(), 9);
        let at = |path: &str| folder.path().join(path);
        assert_eq!(fs::read(at("lib/link")).unwrap(), b"print()");
        assert_eq!(fs::metadata(at("app.py")).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::metadata(at("bin/run")).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::metadata(at("bin")).unwrap().permissions().mode() & 0o777, 0o755);
    }

    #[test]
    fn bad_packages_are_refused_by_what_is_wrong() {
        let cases: &[(&[Made<'_>], &str)] = &[
            (&[], "empty"),
            (&[("../x", 0o644, b"")], "leaves the package"),
            (&[("a/../../x", 0o644, b"")], "leaves the package"),
            (&[("/etc/x", 0o644, b"")], "relative"),
            (&[("a", 0o644, b""), ("./a", 0o644, b"")], "same name"),
            (&[("a", 0o644, b""), ("a/b", 0o644, b"")], "below a file"),
            (&[("a", 0o120_777, b"b"), ("a/b", 0o644, b"")], "below a link"),
            (&[("a", 0o120_777, b"/etc/passwd")], "link that leaves"),
            (&[("a", 0o120_777, b"..")], "link that leaves"),
            (&[("d/a", 0o120_777, b"../../x")], "link that leaves"),
            (&[("d", 0o120_777, b"."), ("l", 0o120_777, b"d/../x")], "link that leaves"),
        ];
        for (entries, expected) in cases {
            let (_folder, result) = unpacked(&zipped(entries));
            let text = result.unwrap_err().to_string();
            assert!(text.contains(expected), "{entries:?}: {text}");
        }
        let long = "x".repeat(300);
        let (_folder, result) = unpacked(&zipped(&[(&long, 0o644, b"")]));
        assert!(result.unwrap_err().to_string().contains("too long"));
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_written() {
        let zeros = vec![0; 32 * 1024 * 1024];
        let names: Vec<String> = (0..8).map(|n| format!("f{n}")).collect();
        let entries: Vec<Made<'_>> =
            names.iter().map(|name| (name.as_str(), 0o644, zeros.as_slice())).collect();
        let bytes = zipped(&entries);
        assert!(bytes.len() < 1024 * 1024);
        let (folder, result) = unpacked(&bytes);
        assert!(matches!(result, Err(Bad::TooLarge)));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_size_that_lies_is_found() {
        let mut bytes = zipped(&[("a", 0o644, &[7; 1000])]);
        // The uncompressed size stands at offset 24 of the central directory's entry.
        let at = bytes.windows(4).rposition(|four| four == b"PK\x01\x02").unwrap() + 24;
        bytes[at..at + 4].copy_from_slice(&10u32.to_le_bytes());
        let (_folder, result) = unpacked(&bytes);
        assert!(matches!(result, Err(Bad::Entry(..) | Bad::NotAZip(_))), "{result:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn damaged_bytes_never_panic_and_never_leave_the_folder(
            flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
            cut in any::<prop::sample::Index>(),
            whole in any::<bool>(),
        ) {
            let mut bytes = zipped(&[
                ("a.py", 0o644, b"some text some text some text"),
                ("d/l", 0o120_777, b"../a.py"),
                ("d/b", 0o755, b"x"),
            ]);
            for (index, value) in flips {
                let at = index.index(bytes.len());
                bytes[at] = value;
            }
            if !whole {
                let length = cut.index(bytes.len());
                bytes.truncate(length);
            }
            let outer = tempfile::tempdir().unwrap();
            let folder = outer.path().join("inner");
            fs::create_dir(&folder).unwrap();
            let _ = unpack(Cursor::new(&bytes), &folder);
            prop_assert_eq!(fs::read_dir(outer.path()).unwrap().count(), 1);
        }

        #[test]
        fn cleaned_paths_are_below(name in "[a./\\\\]{1,24}") {
            if let Ok(path) = clean(&name) {
                prop_assert!(path.split('/').all(|part| part != ".." && part != "."));
                prop_assert!(!path.starts_with('/'));
            }
        }
    }
}

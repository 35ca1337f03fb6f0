//! The house rules that a machine can check. A rule that is only written down is soon forgotten.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use system_tests::{process::run, repository};

/// Each heavy dependency and the one room that may name it.
const ROOMS: [(&str, &str); 13] = [
    ("librqbit", "seeder"),
    ("alloy", "chain"),
    ("rusqlite", "store"),
    ("axum", "http"),
    ("blst", "light-client"),
    ("ethereum_ssz", "light-client"),
    ("tree_hash", "light-client"),
    ("gpiocdev", "board"),
    ("mdns-sd", "mdns"),
    ("iroh", "mesh"),
    ("snow", "relay-proto"),
    ("web-transport-noq", "webtransport"),
    ("rcgen", "webtransport"),
];
/// None of them may know another; only the daemon knows all.
const SERVICES: [&str; 8] = [
    "http",
    "seeder",
    "chain",
    "relay",
    "board",
    "mdns",
    "updater",
    "webtransport",
];
/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 8] = [
    "util", "utils", "common", "helper", "helpers", "manager", "misc", "stuff",
];
const LONGEST_FILE: usize = 600;

struct Source {
    path: String,
    text: String,
}

impl Source {
    fn is(&self, extensions: &[&str]) -> bool {
        extensions
            .iter()
            .any(|extension| self.path.ends_with(extension))
    }

    /// Somebody else's code, or a program's.
    fn is_foreign(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        self.path.contains("/vendor/")
            || self.path.starts_with("web-admin/dist/")
            || name.contains(".gen.")
            || matches!(name, "Cargo.lock" | "package-lock.json" | "openapi.json")
    }

    /// The part that is compiled only for tests.
    fn tests(&self) -> &str {
        // The demo and the benchmark are programs for people, who may be made to wait.
        let whole = (self.path.starts_with("tests/") && !self.path.starts_with("tests/src/bin/"))
            || self.path.contains("/tests/")
            || self.path.ends_with("/tests.rs");
        if whole {
            return &self.text;
        }
        self.text
            .find("#[cfg(test)]")
            .map_or("", |start| &self.text[start..])
    }
}

/// Every text file that is ours, tracked or about to be.
fn sources() -> Result<Vec<Source>> {
    let mut git = Command::new("git");
    git.current_dir(repository())
        .args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    let mut sources = Vec::new();
    for path in run(&mut git)?.lines().collect::<BTreeSet<_>>() {
        // Neither a picture nor a file that was just deleted has text.
        let Ok(text) = fs::read_to_string(repository().join(path)) else {
            continue;
        };
        let source = Source {
            path: path.to_owned(),
            text,
        };
        if !source.is_foreign() {
            sources.push(source);
        }
    }
    ensure!(sources.len() > 50, "only {} files found", sources.len());
    Ok(sources)
}

fn ensure_none(rule: &str, offenders: &[String]) -> Result<()> {
    ensure!(
        offenders.is_empty(),
        "{rule}:\n  {}",
        offenders.join("\n  ")
    );
    Ok(())
}

/// Names of the dependencies in a manifest, development and build ones included.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut inside = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            inside = section.ends_with("dependencies");
            if let Some((_, name)) = section.split_once("dependencies.") {
                names.insert(name.trim_matches('"').to_owned());
            }
        } else if inside && let Some((name, _)) = line.split_once(['=', '.']) {
            names.insert(name.trim().trim_matches('"').to_owned());
        }
    }
    names
}

#[test]
fn one_heavy_dependency_one_room() -> Result<()> {
    let mut offenders = Vec::new();
    for source in sources()?
        .iter()
        .filter(|source| source.path.ends_with("/Cargo.toml"))
    {
        let names = dependencies(&source.text);
        for (heavy, room) in ROOMS {
            let named = names
                .iter()
                .any(|name| name == heavy || name.starts_with(&format!("{heavy}-")));
            // The fuzz targets are the seeder's: they compare its reader with the engine's. The
            // tests' Ethereum node builds the tries that the box is to check, and the relay is
            // measured beside iroh's.
            let inside = source.path.starts_with(&format!("appliance/{room}/"))
                || (room == "seeder" && source.path.starts_with("tests/fuzz/"))
                || (["alloy", "iroh"].contains(&heavy) && source.path == "tests/Cargo.toml");
            if named && !inside {
                offenders.push(format!(
                    "{} names {heavy}, which belongs to {room}",
                    source.path
                ));
            }
        }
    }
    ensure_none("one heavy dependency, one room", &offenders)
}

#[test]
fn services_never_know_each_other() -> Result<()> {
    let mut offenders = Vec::new();
    for service in SERVICES {
        let path = repository()
            .join("appliance")
            .join(service)
            .join("Cargo.toml");
        let names =
            dependencies(&fs::read_to_string(&path).with_context(|| path.display().to_string())?);
        for other in SERVICES.iter().filter(|other| **other != service) {
            if names.contains(&format!("seedbox-{other}")) {
                offenders.push(format!("{service} depends on {other}"));
            }
        }
    }
    ensure_none("services never depend on each other", &offenders)
}

#[test]
fn what_decides_has_no_clock_and_no_runtime() -> Result<()> {
    let mut offenders = Vec::new();
    for room in ["core", "light-client", "relay-proto"] {
        let manifest = format!("appliance/{room}/Cargo.toml");
        let names = dependencies(&fs::read_to_string(repository().join(&manifest))?);
        offenders.extend(
            names
                .into_iter()
                .filter(|name| name.starts_with("tokio") || name == "futures")
                .map(|name| format!("{manifest}: {name}")),
        );
        let inside = format!("appliance/{room}/src/");
        for source in sources()?
            .iter()
            .filter(|source| source.path.starts_with(&inside))
        {
            for clock in [
                "SystemTime",
                "Instant",
                "std::fs",
                "std::net",
                "std::thread",
            ] {
                if source.text.contains(clock) {
                    offenders.push(format!("{}: {clock}", source.path));
                }
            }
        }
    }
    ensure_none(
        "core, light client and the relay's protocol are pure",
        &offenders,
    )
}

#[test]
fn every_file_says_why_it_exists() -> Result<()> {
    let offenders: Vec<String> = sources()?
        .iter()
        .filter(|source| source.is(&[".rs", ".ts", ".tsx", ".sol"]))
        .filter(|source| {
            let start = source.text.trim_start();
            if source.is(&[".rs"]) {
                !start.starts_with("//!")
            } else {
                !start.starts_with('/')
            }
        })
        .map(|source| source.path.clone())
        .collect();
    ensure_none(
        "every file begins with a comment that says why it exists",
        &offenders,
    )
}

#[test]
fn names_say_what_is_inside() -> Result<()> {
    let offenders: Vec<String> = sources()?
        .iter()
        .filter(|source| {
            source.path.split('/').any(|part| {
                let stem = part.split('.').next().unwrap_or_default().to_lowercase();
                stem.split(['_', '-'])
                    .any(|word| EMPTY_NAMES.contains(&word))
            })
        })
        .map(|source| source.path.clone())
        .collect();
    ensure_none(
        "no file is called utils, common, helper or manager",
        &offenders,
    )
}

#[test]
fn files_stay_readable() -> Result<()> {
    let offenders: Vec<String> = sources()?
        .iter()
        .filter(|source| source.is(&[".rs", ".ts", ".tsx", ".sol"]))
        .map(|source| (source.text.lines().count(), &source.path))
        .filter(|(lines, _)| *lines > LONGEST_FILE)
        .map(|(lines, path)| format!("{path}: {lines} lines"))
        .collect();
    ensure_none("no file is longer than 600 lines", &offenders)
}

/// The text without the pauses of loops that ask a condition: those directly below their `while`.
fn without_polling(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let polls = |at: usize| at > 0 && lines[at - 1].trim_start().starts_with("while ");
    let kept: Vec<&str> = (0..lines.len())
        .filter(|at| !polls(*at))
        .map(|at| lines[at])
        .collect();
    kept.join("\n")
}

/// Every line of `text` that has one of `words`, as `path: line`.
fn lines_with(path: &str, text: &str, words: &[String]) -> Vec<String> {
    text.lines()
        .filter(|line| words.iter().any(|word| line.contains(word.as_str())))
        .map(|line| format!("{path}: {}", line.trim()))
        .collect()
}

#[test]
fn tests_wait_for_conditions_and_are_not_switched_off() -> Result<()> {
    // Put together here, so that this file does not offend itself.
    let sleeps = ["thread", "time"].map(|module| format!("{module}::sleep("));
    let ignored = [format!("#[{}]", "ignore")];
    let mut offenders = Vec::new();
    for source in sources()?.iter().filter(|source| source.is(&[".rs"])) {
        if source.path != "tests/src/wait.rs" {
            let tests = without_polling(source.tests());
            offenders.extend(lines_with(&source.path, &tests, &sleeps));
        }
        offenders.extend(lines_with(&source.path, &source.text, &ignored));
    }
    ensure_none(
        "no sleeps in tests, and none ignored without a reason",
        &offenders,
    )
}

#[test]
fn the_project_speaks_of_itself_alone() -> Result<()> {
    let mut offenders = Vec::new();
    let machine = ["work", "root", "home/"].map(|folder| format!("/{folder}/"));
    let machine: Vec<String> = machine
        .into_iter()
        .chain([format!("/tmp/{}", "target")])
        .collect();
    for source in sources()? {
        for line in source.text.lines() {
            let names_a_machine = machine.iter().any(|path| line.contains(path.as_str()));
            if names_a_machine || names_an_issue(line) {
                let start: String = line.trim().chars().take(100).collect();
                offenders.push(format!("{}: {start}", source.path));
            }
        }
    }
    ensure_none("no paths of one machine and no issue numbers", &offenders)
}

/// Whether a line points to a numbered issue, as a number sign and digits or in words.
fn names_an_issue(line: &str) -> bool {
    let line = line.to_lowercase();
    let numbered = |word: &str| {
        line.match_indices(word)
            .any(|(at, _)| line[at + word.len()..].starts_with(|next: char| next.is_ascii_digit()))
    };
    [
        "(#", "issue ", "issue #", "issues/", "fixes #", "closes #", "see #", "gh-",
    ]
    .iter()
    .any(|word| numbered(word))
}

#[test]
fn the_rules_catch_what_they_are_for() {
    let names =
        dependencies("[dev-dependencies]\nalloy.workspace = true\n[dependencies.axum]\nx=1");
    assert!(
        names.contains("alloy") && names.contains("axum"),
        "{names:?}"
    );
    for number in [7, 12] {
        assert!(names_an_issue(&format!("// as issue {number} asks")));
        assert!(names_an_issue(&format!("fix it (#{number})")));
    }
    assert!(!names_an_issue("color: #123456") && !names_an_issue("one issue less"));
    let path = Path::new("a.rs").display().to_string();
    let source = Source {
        path,
        text: "fn f() {}\n#[cfg(test)]\nmod tests {}".into(),
    };
    assert!(source.tests().starts_with("#[cfg(test)]"));
}

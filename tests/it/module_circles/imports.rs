//! Reads the modules of a package and finds the paths with which they import each other.
//!
//! This reads text, not syntax. It knows `use` declarations, and paths that begin with `crate`,
//! `super`, `self`, a child module or the name of an imported module.

use std::collections::BTreeMap;
use std::path::Path;

use crate::tidy::{files, text};

/// The path of a module below the root of its package; the root itself is empty.
pub(super) type Module = Vec<String>;

/// The path of a module as text.
pub(super) fn name(module: &[String]) -> String {
    module.join("::")
}

/// A path in one module that leads to another.
#[derive(Clone, Debug)]
pub(super) struct Import {
    pub(super) from: Module,
    pub(super) to: Module,
    /// The path as written, with the braces of a `use` declaration expanded.
    pub(super) path: String,
}

/// The sources of a package, without tests and comments.
pub(super) struct Package(BTreeMap<Module, String>);

impl Package {
    /// Reads the package whose sources are in `folder`.
    pub(super) fn read(folder: &str) -> Self {
        let files = files(folder);
        assert!(!files.is_empty(), "{folder} is empty");
        Self::new(files.iter().filter_map(|file| {
            let text = text(file)?;
            Some((file.strip_prefix(folder).unwrap(), text))
        }))
    }

    /// A package with these files, whose paths begin below `src`.
    pub(super) fn new<'a>(files: impl IntoIterator<Item = (&'a Path, String)>) -> Self {
        let modules = files.into_iter().filter_map(|(file, text)| {
            // An executable imports from the library of its package like any other package.
            if file.extension()? != "rs" || file.starts_with("bin") || file == Path::new("main.rs")
            {
                return None;
            }
            let path = file.with_extension("");
            let mut module: Module =
                path.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
            if module == ["lib"] {
                module.clear();
            }
            (!module.iter().any(|part| part == "tests")).then(|| (module, code(&text)))
        });
        Self(modules.collect())
    }

    /// Every import from one module of the package in another.
    pub(super) fn imports(&self) -> Vec<Import> {
        self.0.iter().flat_map(|(module, code)| self.imports_in(module, code)).collect()
    }

    fn imports_in(&self, from: &Module, code: &str) -> Vec<Import> {
        let mut imports = Vec::new();
        let mut known = BTreeMap::new();
        let mut rest = String::new();
        for statement in code.split(';') {
            let (before, declaration) = split_use(statement);
            rest.push_str(before);
            for Leaf { path, name } in declaration.map(leaves).unwrap_or_default() {
                let Some(resolved) = self.resolve(from, &path, &BTreeMap::new()) else { continue };
                let to = self.file_of(&resolved);
                if to == resolved {
                    known.insert(name, resolved);
                }
                imports.push(Import { from: from.clone(), to, path });
            }
        }
        let words = rest.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
        for path in words.filter(|word| word.contains("::")) {
            if let Some(resolved) = self.resolve(from, path, &known) {
                let to = self.file_of(&resolved);
                imports.push(Import { from: from.clone(), to, path: path.to_owned() });
            }
        }
        imports
    }

    /// The path from the root of the package; `None` if it leads out of it. `known` are the names
    /// of imported modules.
    fn resolve(
        &self,
        from: &Module,
        path: &str,
        known: &BTreeMap<String, Module>,
    ) -> Option<Module> {
        let mut segments = path.split("::").filter(|segment| !segment.is_empty()).peekable();
        let first = segments.next()?;
        let mut resolved = match first {
            "crate" => Module::new(),
            "self" => from.clone(),
            "super" => parent(from),
            _ => {
                let child = [&from[..], &[first.to_owned()]].concat();
                let is_child = self.0.contains_key(&child);
                if is_child { child } else { known.get(first)?.clone() }
            }
        };
        while segments.next_if_eq(&"super").is_some() {
            resolved = parent(&resolved);
        }
        resolved.extend(segments.map(str::to_owned));
        Some(resolved)
    }

    /// The module that holds what a path names: the longest part of the path that is a file.
    fn file_of(&self, path: &Module) -> Module {
        let lengths = (0..=path.len()).rev();
        lengths
            .map(|length| &path[..length])
            .find(|part| self.0.contains_key(*part))
            .map_or_else(Module::new, <[_]>::to_vec)
    }
}

fn parent(module: &Module) -> Module {
    module.split_last().map(|(_, parent)| parent.to_vec()).unwrap_or_default()
}

/// The text before the tests, without line comments.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    text.lines().flat_map(|line| [line.split("//").next().unwrap_or_default(), "\n"]).collect()
}

/// Splits a statement into what is before its `use` and what the `use` declares.
fn split_use(statement: &str) -> (&str, Option<&str>) {
    let Some((before, declaration)) = statement.rsplit_once("use ") else {
        return (statement, None);
    };
    let is_path = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_:{},*".contains(c);
    let is_word = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    if is_word && declaration.chars().all(is_path) {
        (before, Some(declaration))
    } else {
        (statement, None)
    }
}

/// One path of a `use` declaration and the name that it gives to what the path leads to.
struct Leaf {
    path: String,
    name: String,
}

/// Expands the braces of a `use` declaration.
fn leaves(declaration: &str) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    let mut prefixes = vec![String::new()];
    let mut path = String::new();
    let mut add = |prefix: &str, path: &mut String| {
        let written = std::mem::take(path);
        let (written, alias) = written.trim().split_once(" as ").unwrap_or((written.trim(), ""));
        if written.is_empty() {
            return;
        }
        let path = format!("{prefix}{written}").trim_end_matches("::self").to_owned();
        let last = path.rsplit("::").next().unwrap_or_default();
        let name = if alias.is_empty() { last } else { alias }.to_owned();
        leaves.push(Leaf { path, name });
    };
    for c in declaration.chars() {
        let prefix = prefixes.last().unwrap().clone();
        match c {
            '{' => prefixes.push(prefix + std::mem::take(&mut path).trim()),
            ',' => add(&prefix, &mut path),
            '}' => {
                add(&prefix, &mut path);
                prefixes.pop();
            }
            _ => path.push(c),
        }
    }
    add("", &mut path);
    leaves
}

//! Checks which modules of a package import each other: no circles, and in `shared` only from the
//! top to the bottom of the map in its crate documentation.
//!
//! A module and the modules beneath it may know each other. The children of one module, and with
//! them the top-level modules of a package, may not import each other in a circle. Imports of
//! tests do not count. `imports` finds the imports, `circle` finds a circle among them.

mod circle;
mod imports;

use std::collections::BTreeMap;
use std::path::Path;

use self::circle::{Imports, find_circle};
use self::imports::{Package, name};
use crate::tidy::text;

/// Packages with modules, and the folders of their sources.
const PACKAGES: [(&str, &str); 8] = [
    ("types", "shared/types/src"),
    ("scim", "shared/scim/src"),
    ("saml", "shared/saml/src"),
    ("oidc", "shared/oidc/src"),
    ("directory", "shared/directory/src"),
    ("shared", "shared/src"),
    ("local", "functions/local/src"),
    ("gatehouse", "functions/gatehouse/src"),
];

#[test]
fn no_modules_import_each_other_in_a_circle() {
    let circles: Vec<String> = PACKAGES
        .iter()
        .flat_map(|(package, folder)| {
            let circles = circles(&Package::read(folder));
            circles.into_iter().map(move |circle| format!("{package}: {circle}"))
        })
        .collect();
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}

#[test]
fn a_module_of_shared_imports_only_modules_below_it() {
    let map = map(&text(Path::new("shared/src/lib.rs")).unwrap());
    let upward = upward_imports(&Package::read("shared/src"), &map);
    assert!(upward.is_empty(), "{}", upward.join("\n"));
}

/// Describes one circle for each module whose children import each other in circles.
fn circles(package: &Package) -> Vec<String> {
    let mut by_parent: BTreeMap<Vec<String>, Imports> = BTreeMap::new();
    for import in package.imports() {
        let shared = import.from.iter().zip(&import.to).take_while(|(a, b)| a == b).count();
        // A module imports from one above it, or from one beneath it, if one of these is `None`.
        let (Some(from), Some(to)) = (import.from.get(shared), import.to.get(shared)) else {
            continue;
        };
        let siblings = by_parent.entry(import.from[..shared].to_vec()).or_default();
        siblings.entry(from.clone()).or_default().entry(to.clone()).or_insert(import);
    }
    by_parent.values().filter_map(find_circle).collect()
}

/// Reads the position of every module in the map, counted from the top. A line of the map may name
/// several modules, which then have the same position.
fn map(documentation: &str) -> BTreeMap<String, usize> {
    let (_, map) = documentation.split_once("# Map").unwrap();
    let map = map.split("\n//! #").next().unwrap();
    let entries = map.split("\n//! - ").skip(1).enumerate();
    entries.flat_map(|(position, entry)| names(entry).map(move |name| (name, position))).collect()
}

/// Names of the modules that an entry of the map begins with.
fn names(entry: &str) -> impl Iterator<Item = String> {
    let names = entry.split(':').next().unwrap_or_default().split("[`").skip(1);
    names.filter_map(|name| Some(name.split_once("`]")?.0.to_owned()))
}

fn upward_imports(package: &Package, map: &BTreeMap<String, usize>) -> Vec<String> {
    let mut upward = Vec::new();
    for import in package.imports() {
        let (Some(from), Some(to)) = (import.from.first(), import.to.first()) else { continue };
        let position = |module: &String| {
            map.get(module).unwrap_or_else(|| panic!("{module} is not in the map of the crate"))
        };
        if position(to) < position(from) {
            let file = name(&import.from);
            upward.push(format!("{file} imports {}, but {to} is above {from}", import.path));
        }
    }
    upward
}

fn package(files: &[(&str, &str)]) -> Package {
    Package::new(files.iter().map(|(file, text)| (Path::new(file), (*text).to_owned())))
}

#[test]
fn a_circle_is_shown_with_the_imports_that_make_it() {
    let package = package(&[
        ("lib.rs", "pub mod a;\npub mod b;\npub mod c;\nuse self::a::A;\n"),
        ("a.rs", "use crate::b::{B, inner::{C, D as E}};\n"),
        ("b.rs", "mod inner;\nuse crate::c;\nfn f() { c::g() }\n"),
        ("b/inner.rs", "use super::B;\n"),
        ("c.rs", "fn g() { crate::a::h(); }\n"),
    ]);
    assert_eq!(
        circles(&package),
        ["a -> b -> c -> a (a: crate::b::B, b: crate::c, c: crate::a::h)"]
    );
}

#[test]
fn a_circle_within_one_module_is_found() {
    let package = package(&[
        ("a.rs", "mod x;\nmod y;\n"),
        ("a/x.rs", "use super::y;\nfn f() { y::deep::g() }\n"),
        ("a/y.rs", "mod deep;\n"),
        ("a/y/deep.rs", "use super::super::x::f;\n"),
    ]);
    assert_eq!(circles(&package), ["x -> y -> x (a::x: super::y, a::y::deep: super::super::x::f)"]);
}

#[test]
fn a_module_and_the_modules_beneath_it_may_know_each_other() {
    let package = package(&[
        ("a.rs", "mod x;\nuse x::f;\npub struct A;\n"),
        ("a/x.rs", "mod y;\nuse super::A;\n"),
        ("a/x/y.rs", "use crate::a::A;\n"),
    ]);
    assert!(circles(&package).is_empty());
}

#[test]
fn imports_of_tests_and_comments_do_not_count() {
    let package = package(&[
        ("a.rs", "use crate::b::B;\n"),
        ("b.rs", "// use crate::a::A;\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n"),
        ("b/tests.rs", "use crate::a::A;\n"),
    ]);
    assert!(circles(&package).is_empty());
}

#[test]
fn an_import_from_a_module_above_is_found() {
    let documentation = "//! # Map, from top to bottom\n//!\n//! - [`a`], [`b`]: the [`c`]\n\
                         //!   of a line.\n//! - [`c`]: below.\n//!\n//! # Invariants\n//! - none";
    let map = map(documentation);
    assert_eq!(
        map.iter().map(|(name, at)| (&**name, *at)).collect::<Vec<_>>(),
        [("a", 0), ("b", 0), ("c", 1)]
    );
    let package =
        package(&[("a.rs", "use crate::b::B;\n"), ("b.rs", ""), ("c/x.rs", "use crate::b::B;\n")]);
    assert_eq!(upward_imports(&package, &map), ["c::x imports crate::b::B, but b is above c"]);
}

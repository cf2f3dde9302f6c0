//! Finds a circle among the imports of sibling modules.

use std::collections::{BTreeMap, BTreeSet};

use super::imports::{Import, name};

/// The imports of sibling modules: importing module, imported module, and one import for the pair.
pub(super) type Imports = BTreeMap<String, BTreeMap<String, Import>>;

/// Describes a circle with one import for each step, if there is one.
pub(super) fn find_circle(imports: &Imports) -> Option<String> {
    let mut search = Search { imports, path: Vec::new(), done: BTreeSet::new() };
    let circle = imports.keys().find_map(|module| search.visit(module))?;
    let steps = circle.windows(2).map(|step| {
        let import = &imports[step[0]][step[1]];
        format!("{}: {}", name(&import.from), import.path)
    });
    Some(format!("{} ({})", circle.join(" -> "), steps.collect::<Vec<_>>().join(", ")))
}

/// A depth-first search.
struct Search<'a> {
    imports: &'a Imports,
    /// The modules on the way to the one that is visited.
    path: Vec<&'a str>,
    /// Modules from which no circle can be reached.
    done: BTreeSet<&'a str>,
}

impl<'a> Search<'a> {
    /// Returns a circle that can be reached from the module; its first module is also its last.
    fn visit(&mut self, module: &'a str) -> Option<Vec<&'a str>> {
        if let Some(start) = self.path.iter().position(|visited| *visited == module) {
            return Some([&self.path[start..], &[module]].concat());
        }
        if self.done.contains(module) {
            return None;
        }
        self.path.push(module);
        let imported = self.imports.get(module).into_iter().flat_map(BTreeMap::keys);
        let circle = imported.map(String::as_str).find_map(|next| self.visit(next));
        self.path.pop();
        self.done.insert(module);
        circle
    }
}

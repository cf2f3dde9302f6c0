//! Canonical XML 1.0 and Exclusive XML Canonicalization 1.0, both without comments, for documents
//! that passed the gate of [`super::xml`].
//!
//! Invariant: the output is both hashed and read for claims. A bug here can therefore only make
//! digests differ and refuse a response; it cannot make us read unsigned content.
//!
//! Deliberately absent: processing instructions, DTD defaults, and node sets other than one element
//! with or without its signature. The depth limit of the gate bounds the recursion.

use roxmltree::Node;

/// The canonicalization method.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum C14nMode {
    /// Exclusive: only visibly used namespaces, and those of the prefix list.
    Exclusive,
    /// Inclusive: every namespace in scope, and the `xml:` attributes of the ancestors.
    Inclusive,
}

/// Returns the canonical form of `apex` without the descendant `without`.
///
/// `prefixes` is the `PrefixList` of exclusive canonicalization, `#default` included.
pub fn canonicalize(
    apex: Node<'_, '_>,
    mode: C14nMode,
    prefixes: &[&str],
    without: Option<Node<'_, '_>>,
) -> String {
    let mut writer = Writer {
        out: String::with_capacity(apex.range().len() + 256),
        rendered: Vec::with_capacity(16),
        mode,
        prefixes,
        without,
    };
    let inherited = match mode {
        C14nMode::Exclusive => Vec::new(),
        C14nMode::Inclusive => inherited_attributes(apex),
    };
    writer.element(apex, &inherited);
    writer.out
}

struct Writer<'a, 'i, 'p> {
    out: String,
    /// Namespace declarations written on the open elements, innermost last.
    rendered: Vec<(&'a str, &'a str)>,
    mode: C14nMode,
    prefixes: &'p [&'p str],
    without: Option<Node<'a, 'i>>,
}

/// An attribute in the sort order of canonical XML: namespace, local name, qualified name, value.
type SortedAttribute<'a> = (&'a str, &'a str, &'a str, &'a str);

impl<'a, 'i> Writer<'a, 'i, '_> {
    fn element(&mut self, node: Node<'a, 'i>, inherited: &[SortedAttribute<'a>]) {
        let name = source_name(node);
        let outer = self.rendered.len();
        self.out.push('<');
        self.out.push_str(name);
        self.declarations(node, name);
        self.attributes(node, inherited);
        self.out.push('>');
        for child in node.children() {
            if child.is_element() {
                if Some(child) != self.without {
                    self.element(child, &[]);
                }
            } else if child.is_text() {
                escape_text(&mut self.out, child.text().unwrap_or_default());
            }
        }
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
        self.rendered.truncate(outer);
    }

    fn declarations(&mut self, node: Node<'a, 'i>, name: &'a str) {
        let mut wanted: Vec<(&'a str, &'a str)> = Vec::with_capacity(4);
        match self.mode {
            C14nMode::Exclusive => self.visibly_used(node, name, &mut wanted),
            C14nMode::Inclusive => {
                for namespace in node.namespaces() {
                    want(&mut wanted, namespace.name().unwrap_or_default(), namespace.uri());
                }
                want(&mut wanted, "", default_namespace(node));
            }
        }
        wanted.retain(|(prefix, uri)| {
            let above = self.rendered.iter().rev().find(|(rendered, _)| rendered == prefix);
            match above {
                Some((_, rendered)) => rendered != uri,
                // `xmlns=""` is written only to undo a default namespace.
                None => !uri.is_empty(),
            }
        });
        wanted.sort_unstable();
        for (prefix, uri) in &wanted {
            self.out.push_str(" xmlns");
            if !prefix.is_empty() {
                self.out.push(':');
                self.out.push_str(prefix);
            }
            self.value(uri);
        }
        self.rendered.append(&mut wanted);
    }

    /// Exclusive XML Canonicalization §3, items 3 and 4.
    fn visibly_used(
        &self,
        node: Node<'a, 'i>,
        name: &'a str,
        wanted: &mut Vec<(&'a str, &'a str)>,
    ) {
        let own = prefix_of(name);
        want(wanted, own, in_scope(node, own).unwrap_or_default());
        for attribute in node.attributes() {
            let prefix = prefix_of(source_text(node, attribute.range_qname()));
            if !prefix.is_empty() {
                want(wanted, prefix, in_scope(node, prefix).unwrap_or_default());
            }
        }
        for &listed in self.prefixes {
            // The prefix list does not live as long as the document; take its own text.
            if listed == "#default" {
                want(wanted, "", default_namespace(node));
            } else if let Some(namespace) = node.namespaces().find(|ns| ns.name() == Some(listed)) {
                want(wanted, namespace.name().unwrap_or_default(), namespace.uri());
            }
        }
    }

    fn attributes(&mut self, node: Node<'a, 'i>, inherited: &[SortedAttribute<'a>]) {
        let mut sorted: Vec<SortedAttribute<'a>> = node
            .attributes()
            .map(|attribute| {
                let name = source_text(node, attribute.range_qname());
                (
                    attribute.namespace().unwrap_or_default(),
                    attribute.name(),
                    name,
                    attribute.value(),
                )
            })
            .collect();
        sorted.extend_from_slice(inherited);
        sorted.sort_unstable();
        for (_, _, name, value) in sorted {
            self.out.push(' ');
            self.out.push_str(name);
            self.value(value);
        }
    }

    fn value(&mut self, value: &str) {
        self.out.push_str("=\"");
        escape_attribute(&mut self.out, value);
        self.out.push('"');
    }
}

/// Returns the `xml:` attributes that the apex inherits from its ancestors (Canonical XML §2.4).
fn inherited_attributes<'a>(apex: Node<'a, '_>) -> Vec<SortedAttribute<'a>> {
    let mut inherited: Vec<SortedAttribute<'a>> = Vec::new();
    for ancestor in apex.ancestors().skip(1) {
        for attribute in ancestor.attributes() {
            let name = source_text(ancestor, attribute.range_qname());
            let namespace = attribute.namespace().unwrap_or_default();
            let known = apex.has_attribute((namespace, attribute.name()))
                || inherited.iter().any(|(_, local, ..)| *local == attribute.name());
            if namespace == XML && !known {
                inherited.push((namespace, attribute.name(), name, attribute.value()));
            }
        }
    }
    inherited
}

fn want<'a>(wanted: &mut Vec<(&'a str, &'a str)>, prefix: &'a str, uri: &'a str) {
    // `xml` is bound everywhere and never declared.
    if prefix != "xml" && !wanted.iter().any(|(known, _)| *known == prefix) {
        wanted.push((prefix, uri));
    }
}

fn in_scope<'a>(node: Node<'a, '_>, prefix: &str) -> Option<&'a str> {
    node.lookup_namespace_uri(if prefix.is_empty() { None } else { Some(prefix) })
}

fn default_namespace<'a>(node: Node<'a, '_>) -> &'a str {
    in_scope(node, "").unwrap_or_default()
}

/// Returns the qualified name of an element; the tree stores only the expanded name.
fn source_name<'a>(node: Node<'a, '_>) -> &'a str {
    let tag = source_text(node, node.range());
    let tag = tag.strip_prefix('<').unwrap_or(tag);
    let end = tag.find(|c: char| c.is_ascii_whitespace() || matches!(c, '>' | '/'));
    tag.get(..end.unwrap_or(tag.len())).unwrap_or_default()
}

fn source_text<'a>(node: Node<'a, '_>, range: std::ops::Range<usize>) -> &'a str {
    node.document().input_text().get(range).unwrap_or_default()
}

fn prefix_of(name: &str) -> &str {
    name.split_once(':').map_or("", |(prefix, _)| prefix)
}

fn escape_text(out: &mut String, text: &str) {
    escape(out, text, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'\r' => Some("&#xD;"),
        _ => None,
    });
}

fn escape_attribute(out: &mut String, value: &str) {
    escape(out, value, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'"' => Some("&quot;"),
        b'\t' => Some("&#x9;"),
        b'\n' => Some("&#xA;"),
        b'\r' => Some("&#xD;"),
        _ => None,
    });
}

/// Copies `text`, replacing single ASCII characters.
fn escape(out: &mut String, text: &str, replacement: impl Fn(u8) -> Option<&'static str>) {
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        if let Some(entity) = replacement(byte) {
            out.push_str(text.get(start..at).unwrap_or_default());
            out.push_str(entity);
            start = at + 1;
        }
    }
    out.push_str(text.get(start..).unwrap_or_default());
}

const XML: &str = "http://www.w3.org/XML/1998/namespace";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::StrictDocument;

    /// Canonicalizes the first element with local name `apex`.
    #[track_caller]
    fn check(text: &str, apex: &str, mode: C14nMode, prefixes: &[&str], expect: &str) {
        let document = StrictDocument::parse(text.as_bytes()).unwrap();
        let apex = document.root().descendants().find(|n| n.tag_name().name() == apex).unwrap();
        assert_eq!(canonicalize(apex, mode, prefixes, None), expect);
    }

    #[test]
    fn start_tags_have_one_canonical_form() {
        // Canonical XML §3.3, without the parts that need a DTD.
        let text = "<doc>\n   <e1   />\n   <e2   ></e2>\n   <e3   name = \"elem3\"   id=\"elem3\"   />\n   \
                    <e5 a:attr=\"out\" b:attr=\"sorted\" attr2=\"all\" attr=\"I'm\"\n      \
                    xmlns:b=\"http://www.ietf.org\"\n      xmlns:a=\"http://www.w3.org\"\n      \
                    xmlns=\"http://example.org\"/>\n   <e6 xmlns=\"\" xmlns:a=\"http://www.w3.org\">\n       \
                    <e7 xmlns=\"http://www.ietf.org\">\n           <e8 xmlns=\"\" xmlns:a=\"http://www.w3.org\">\n               \
                    <e9 xmlns=\"\" xmlns:a=\"http://www.ietf.org\"/>\n           </e8>\n       </e7>\n   </e6>\n</doc>";
        let expect = "<doc>\n   <e1></e1>\n   <e2></e2>\n   <e3 id=\"elem3\" name=\"elem3\"></e3>\n   \
                      <e5 xmlns=\"http://example.org\" xmlns:a=\"http://www.w3.org\" xmlns:b=\"http://www.ietf.org\" \
                      attr=\"I'm\" attr2=\"all\" b:attr=\"sorted\" a:attr=\"out\"></e5>\n   \
                      <e6 xmlns:a=\"http://www.w3.org\">\n       <e7 xmlns=\"http://www.ietf.org\">\n           \
                      <e8 xmlns=\"\">\n               <e9 xmlns:a=\"http://www.ietf.org\"></e9>\n           </e8>\n       \
                      </e7>\n   </e6>\n</doc>";
        check(text, "doc", C14nMode::Inclusive, &[], expect);
    }

    #[test]
    fn characters_have_one_canonical_form() {
        // Canonical XML §3.4.
        check(
            "<doc>\r\n<text>First line&#x0d;&#10;Second line</text><value>&#x32;</value>\
             <compute expr='value>\"0\" &amp;&amp; value&lt;\"10\" ?\"valid\":\"error\"'>valid</compute>\
             <norm attr=' &apos;   &#x20;&#13;&#xa;&#9;   &apos; '/></doc>",
            "doc",
            C14nMode::Inclusive,
            &[],
            "<doc>\n<text>First line&#xD;\nSecond line</text><value>2</value>\
             <compute expr=\"value>&quot;0&quot; &amp;&amp; value&lt;&quot;10&quot; ?&quot;valid&quot;:&quot;error&quot;\">valid</compute>\
             <norm attr=\" '    &#xD;&#xA;&#x9;   ' \"></norm></doc>",
        );
    }

    #[test]
    fn exclusive_form_keeps_only_used_namespaces() {
        // Exclusive XML Canonicalization §2.2: the same element in two contexts.
        let elem2 = "<n1:elem2 xmlns:n1=\"http://example.net\" xml:lang=\"en\"><n3:stuff xmlns:n3=\"ftp://example.org\"></n3:stuff></n1:elem2>";
        for context in [
            "<n0:local xmlns:n0=\"foo:bar\" xmlns:n3=\"ftp://example.org\"><n1:elem2 xmlns:n1=\"http://example.net\" xml:lang=\"en\"><n3:stuff xmlns:n3=\"ftp://example.org\"/></n1:elem2></n0:local>",
            "<n2:pdu xmlns:n1=\"http://example.com\" xmlns:n2=\"http://foo.example\" xmlns:n3=\"ftp://example.org\" xml:lang=\"fr\" xml:space=\"retain\"><n1:elem2 xmlns:n1=\"http://example.net\" xml:lang=\"en\"><n3:stuff/></n1:elem2></n2:pdu>",
        ] {
            check(context, "elem2", C14nMode::Exclusive, &[], elem2);
        }
    }

    #[test]
    fn inclusive_form_includes_its_context() {
        check(
            "<n2:pdu xmlns:n1=\"http://example.com\" xmlns:n2=\"http://foo.example\" xml:lang=\"fr\" xml:space=\"retain\"><n1:elem2 xmlns:n1=\"http://example.net\" xml:lang=\"en\"><n1:x/></n1:elem2></n2:pdu>",
            "elem2",
            C14nMode::Inclusive,
            &[],
            "<n1:elem2 xmlns:n1=\"http://example.net\" xmlns:n2=\"http://foo.example\" xml:lang=\"en\" xml:space=\"retain\"><n1:x></n1:x></n1:elem2>",
        );
    }

    #[test]
    fn prefix_list_is_treated_inclusively() {
        let text = "<r xmlns=\"u:d\" xmlns:a=\"u:a\" xmlns:xs=\"u:xs\"><a:x><a:y t=\"xs:string\"/></a:x></r>";
        let check =
            |prefixes: &[&str], expect| check(text, "x", C14nMode::Exclusive, prefixes, expect);
        check(&[], "<a:x xmlns:a=\"u:a\"><a:y t=\"xs:string\"></a:y></a:x>");
        check(
            &["xs", "none"],
            "<a:x xmlns:a=\"u:a\" xmlns:xs=\"u:xs\"><a:y t=\"xs:string\"></a:y></a:x>",
        );
        check(
            &["#default"],
            "<a:x xmlns=\"u:d\" xmlns:a=\"u:a\"><a:y t=\"xs:string\"></a:y></a:x>",
        );
    }

    #[test]
    fn undone_default_namespace_is_written_once() {
        let text = "<a xmlns=\"u:a\"><b xmlns=\"\"><c/><d xmlns=\"u:a\"/></b></a>";
        let expect = "<a xmlns=\"u:a\"><b xmlns=\"\"><c></c><d xmlns=\"u:a\"></d></b></a>";
        check(text, "a", C14nMode::Exclusive, &[], expect);
        check(text, "a", C14nMode::Inclusive, &[], expect);
        check(text, "b", C14nMode::Exclusive, &[], "<b><c></c><d xmlns=\"u:a\"></d></b>");
    }

    #[test]
    fn canonical_text_is_its_own_canonical_form() {
        let once = "<p:a xmlns:p=\"u:p\" ID=\"1\"><b xmlns=\"u:b\" p:c=\"&#xA;&quot;\">é &amp; &gt;</b></p:a>";
        check(once, "a", C14nMode::Exclusive, &[], once);
        check(once, "a", C14nMode::Inclusive, &[], once);
    }

    #[test]
    fn only_the_given_signature_is_left_out() {
        let document = StrictDocument::parse(b"<a><s>1</s><b><s>2</s></b>x</a>").unwrap();
        let first = document.root().first_element_child();
        let without = canonicalize(document.root(), C14nMode::Exclusive, &[], first);
        assert_eq!(without, "<a><b><s>2</s></b>x</a>");
    }
}

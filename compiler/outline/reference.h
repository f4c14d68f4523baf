#pragma once
#include <string>
#include <vector>

#include "compiler/outline/outline.h"

/// The reference of modules, from their doc comments.
namespace upg::outline {

/// Pages in the order in which their modules were given, an index before them.
struct Page {
  std::string name;  // of its file: "index.md", "MODULE.md"
  std::string text;
};

/// For reading in a repository.
std::vector<Page> markdown_reference(const std::vector<Outline> &modules);
/// Self-contained pages: no script, no network. Names in signatures and contracts lead to their declarations.
std::vector<Page> html_reference(const std::vector<Outline> &modules);

/// First sentence of a doc comment; "Source: ..." is none.
std::string summary(const std::string &doc);

/// The kinds in the order in which a reference shows them.
const std::vector<Kind> &kinds_shown();

}  // namespace upg::outline

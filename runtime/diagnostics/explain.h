#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "runtime/diagnostics/diagnostic.h"

namespace upg::diagnostics {

/// What `upgc explain CODE` tells: why the kind exists, an example that gets it and the same example mended.
/// `failing` and `fixed` are whole .upg files; empty where a source text cannot show the kind.
struct Explanation {
  Kind kind;
  std::string_view text;  // paragraphs; a line feed between lines, a blank line between paragraphs
  std::string_view failing;
  std::string_view fixed;
};

/// The kinds explained in runtime/diagnostics/explanations/*.md. Rules of the checker bring their own tables.
std::span<const Explanation> explanations();

/// The kind with this code ("E0101", also "e0101") or name ("undeclared_name").
std::optional<Kind> find_kind(std::string_view code_or_name);

/// The row about `kind`, null if there is none.
const Explanation *find_explanation(Kind kind, std::span<const Explanation> table);

/// Text for a person: title, text, both examples. `explanation` may be null: title only.
std::string render_explanation(Kind kind, const Explanation *explanation, bool color);

/// One line for each kind: code, severity, title.
std::string render_kind_list(bool color);

/// An explanation written as Markdown: text, then fenced blocks ```upg failing and ```upg fixed. Views into `markdown`.
Explanation parse_explanation(Kind kind, std::string_view markdown);

}  // namespace upg::diagnostics

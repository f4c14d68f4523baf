#include "runtime/diagnostics/explain.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "compiler/tools/command.h"
#include "compiler/tools/command_line.h"
#include "compiler/tools/output.h"
#include "runtime/diagnostics/utf8.h"
#include "runtime/safety/rules/rules.h"

namespace upg::tools {
namespace {

using diagnostics::Explanation;
using diagnostics::Kind;

/// The page of a rule of the checker stands in the rule's own file; those of the other kinds in runtime/diagnostics.
std::vector<Explanation> all_pages() {
  const std::span<const Explanation> others = diagnostics::explanations();
  std::vector<Explanation> pages(others.begin(), others.end());
  for (const safety::Rule &rule : safety::rules()) {
    if (!rule.doc.empty()) pages.push_back({rule.kind, rule.doc, rule.failing, rule.fixed});
  }
  return pages;
}

std::string as_json(const std::vector<Kind> &kinds, std::span<const Explanation> pages) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Kind kind : kinds) {
    const diagnostics::KindInfo &row = diagnostics::info(kind);
    const Explanation *page = diagnostics::find_explanation(kind, pages);
    list.push_back({{"code", row.code},
                    {"kind", row.name},
                    {"severity", row.severity == diagnostics::Severity::error ? "error" : "warning"},
                    {"title", row.title},
                    {"text", page != nullptr ? page->text : ""},
                    {"failing", page != nullptr ? page->failing : ""},
                    {"fixed", page != nullptr ? page->fixed : ""}});
  }
  return list.dump(2) + "\n";
}

Exit unknown(const std::string &word) {
  std::vector<std::string_view> known;
  for (const diagnostics::KindInfo &row : diagnostics::all_kinds()) {
    known.push_back(row.name);  // of codes any other one would be "near"
  }
  const std::string_view meant = diagnostics::did_you_mean(word, known);
  put_error(fmt::format("upgc explain: there is no diagnostic `{}`", diagnostics::printable(word)));
  if (!meant.empty()) put_error(fmt::format("; did you mean `{}`?", meant));
  put_error("\nupgc explain --list shows all\n");
  return Exit::usage;
}

}  // namespace

Exit run_explain(std::span<const char *const> arguments) {
  CommandLine line;
  llvm::cl::opt<std::string> code{llvm::cl::Positional, llvm::cl::desc("CODE"), llvm::cl::value_desc("code")};
  llvm::cl::opt<bool> list{"list", llvm::cl::desc("all diagnostics with their titles")};
  OutputOptions output;
  if (const auto end = line.parse(arguments, "tells what a diagnostic means: `upgc explain E0001`")) return *end;
  if (code.empty() != list) {
    put_error("upgc explain: give a code, as in `upgc explain E0001`, or --list\n");
    return Exit::usage;
  }
  const bool color = diagnostics::use_color(output.color, STDOUT_FILENO);
  std::vector<Kind> kinds;
  if (list) {
    for (std::size_t i = 0; i < diagnostics::all_kinds().size(); ++i) kinds.push_back(static_cast<Kind>(i));
  } else {
    const std::optional<Kind> kind = diagnostics::find_kind(code);
    if (!kind) return unknown(code);
    kinds.push_back(*kind);
  }
  const std::vector<Explanation> pages = all_pages();
  if (output.format == Format::json) {
    put(as_json(kinds, pages));
  } else if (list) {
    put(diagnostics::render_kind_list(color));
  } else {
    put(diagnostics::render_explanation(kinds[0], diagnostics::find_explanation(kinds[0], pages), color));
  }
  return Exit::clean;
}

}  // namespace upg::tools

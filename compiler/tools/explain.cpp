#include "runtime/diagnostics/explain.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "compiler/tools/command.h"
#include "compiler/tools/command_line.h"
#include "compiler/tools/pages.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::tools {
namespace {

using diagnostics::Explanation;
using diagnostics::Kind;

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
  llvm::cl::opt<Format> format{"format", llvm::cl::desc("how it is printed"),
                               llvm::cl::values(clEnumValN(Format::text, "text", "for a person (default)"),
                                                clEnumValN(Format::json, "json", "for a program")),
                               llvm::cl::init(Format::text)};
  ColorOption color_wish;
  if (const auto end = line.parse(arguments, "tells what a diagnostic means: `upgc explain E0001`")) return *end;
  if (code.empty() != list) {
    put_error("upgc explain: give a code, as in `upgc explain E0001`, or --list\n");
    return Exit::usage;
  }
  const bool color = diagnostics::use_color(color_wish.color, STDOUT_FILENO);
  std::vector<Kind> kinds;
  if (list) {
    for (std::size_t i = 0; i < diagnostics::all_kinds().size(); ++i) kinds.push_back(static_cast<Kind>(i));
  } else {
    const std::optional<Kind> kind = diagnostics::find_kind(code);
    if (!kind) return unknown(code);
    kinds.push_back(*kind);
  }
  const std::vector<Explanation> pages = all_pages();
  if (format == Format::json) {
    put(as_json(kinds, pages));
  } else if (list) {
    put(diagnostics::render_kind_list(color));
  } else {
    put(diagnostics::render_explanation(kinds[0], diagnostics::find_explanation(kinds[0], pages), color));
  }
  return Exit::clean;
}

}  // namespace upg::tools

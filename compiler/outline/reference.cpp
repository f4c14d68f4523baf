#include "compiler/outline/reference.h"

#include <fmt/format.h>

#include <algorithm>

namespace upg::outline {

std::string summary(const std::string &doc) {
  std::size_t end = 0;
  while ((end = doc.find('.', end)) != std::string::npos) {
    ++end;
    if (end == doc.size() || doc[end] == ' ' || doc[end] == '\n') break;
  }
  std::string first = doc.substr(0, end);
  if (first.starts_with("Source:")) return {};
  std::replace(first.begin(), first.end(), '\n', ' ');
  return first;
}

const std::vector<Kind> &kinds_shown() {
  static const std::vector<Kind> kinds{Kind::role,      Kind::state,   Kind::hosts,   Kind::param,
                                       Kind::secret,    Kind::gate,    Kind::action,  Kind::hold,
                                       Kind::procedure, Kind::probe,   Kind::order,   Kind::rank,
                                       Kind::versions,  Kind::command, Kind::cluster, Kind::upgrade};
  return kinds;
}

namespace {

std::string title(Kind kind) {
  std::string text(plural(kind));
  text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

/// A `|` would end a cell of a table.
std::string cell(std::string text) {
  for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, 1, '\\');
  return text;
}

std::string file_name(const Outline &module) { return (module.module.empty() ? "plan" : module.module) + ".md"; }

void write_entry(const Entry &entry, std::string &out) {
  if (!entry.name.empty()) out += fmt::format("### {}\n\n", entry.name);
  out += fmt::format("```upg\n{}\n", entry.signature);
  for (const std::string &clause : entry.clauses) out += fmt::format("  {}\n", clause);
  out += "```\n\n";
  if (!entry.doc.empty()) out += entry.doc + "\n\n";
}

std::string page(const Outline &module) {
  std::string out = fmt::format("# Module `{}`\n\n", module.module);
  if (!module.doc.empty()) out += module.doc + "\n\n";
  if (!module.uses.empty()) {
    out += "Uses";
    for (std::size_t i = 0; i < module.uses.size(); ++i)
      out += fmt::format("{} [`{}`]({}.md)", i == 0 ? "" : ",", module.uses[i], module.uses[i]);
    out += ".\n\n";
  }
  for (const Kind kind : kinds_shown()) {
    bool any = false;
    for (const Entry &entry : module.entries) {
      if (entry.kind != kind) continue;
      if (!any) out += fmt::format("## {}\n\n", title(kind));
      any = true;
      write_entry(entry, out);
    }
  }
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

}  // namespace

std::vector<Page> markdown_reference(const std::vector<Outline> &modules) {
  std::string index = "# Modules\n\n| module | what it knows |\n| --- | --- |\n";
  for (const Outline &module : modules)
    index += fmt::format("| [`{}`]({}) | {} |\n", module.module, file_name(module), cell(summary(module.doc)));
  std::vector<Page> pages{{"index.md", index}};
  for (const Outline &module : modules) pages.push_back({file_name(module), page(module)});
  return pages;
}

}  // namespace upg::outline

#include <fmt/format.h>

#include <cctype>
#include <map>
#include <set>
#include <string_view>

#include "compiler/outline/reference.h"

namespace upg::outline {
namespace {

constexpr std::string_view style = R"(
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --line: #d1d9e0; --code: #f6f8fa; --link: #0756b8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #9aa4af; --line: #3a424b; --code: #171c22; --link: #79b0ff; } body { background: #0e1116; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); max-width: 60rem; margin: 0 auto; padding: 1.5rem; }
a { color: var(--link); text-decoration: none; } a:hover, a:focus { text-decoration: underline; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
section { margin: 1.5rem 0; } section p { margin: .4rem 0; }
pre { background: var(--code); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; overflow-x: auto; font-size: 14px; margin: 0; }
code { font-family: ui-monospace, monospace; font-size: .92em; }
nav { columns: 14rem; font-size: 14px; } nav h3 { margin: .6rem 0 .1rem; font-size: 14px; color: var(--soft); } nav div { break-inside: avoid; }
table { border-collapse: collapse; } td { border-top: 1px solid var(--line); padding: .4rem .8rem .4rem 0; vertical-align: top; }
.source { color: var(--soft); font-size: 14px; }
@media print { body { max-width: none; } pre { overflow: visible; white-space: pre-wrap; } section { break-inside: avoid; } }
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

/// Where names lead, by module.
class Links {
 public:
  explicit Links(const std::vector<Outline> &modules) {
    for (const Outline &module : modules)
      for (const Entry &entry : module.entries)
        if (!entry.name.empty()) names_[module.module].insert(entry.name);
  }

  /// Code of `module` with its names as links.
  std::string code(const Outline &module, std::string_view text) const {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
      if (text[i] == '"') {
        std::size_t end = i + 1;
        while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2U : 1U;
        end = std::min(end + 1, text.size());
        out += escaped(text.substr(i, end - i));
        i = end;
        continue;
      }
      if (!starts_name(text[i])) {
        out += escaped(text.substr(i++, 1));
        continue;
      }
      const std::size_t end = end_of_name(text, i);
      std::string_view name = text.substr(i, end - i);
      std::string target = local(module, name);
      std::size_t used = end;
      if (end + 1 < text.size() && text[end] == '.' && starts_name(text[end + 1])) {
        const std::size_t member_end = end_of_name(text, end + 1);
        const std::string_view member = text.substr(end + 1, member_end - end - 1);
        if (has(std::string(name), member)) {
          target = fmt::format("{}.html#{}", name, member);
          used = member_end;
        }
      }
      name = text.substr(i, used - i);
      out += target.empty() ? escaped(name) : fmt::format("<a href=\"{}\">{}</a>", escaped(target), escaped(name));
      i = used;
    }
    return out;
  }

 private:
  static bool starts_name(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
  static std::size_t end_of_name(std::string_view text, std::size_t at) {
    while (at < text.size() && (starts_name(text[at]) || std::isdigit(static_cast<unsigned char>(text[at])) != 0)) ++at;
    return at;
  }
  bool has(const std::string &module, std::string_view name) const {
    const auto found = names_.find(module);
    return found != names_.end() && found->second.contains(name);
  }
  /// A bare name: of the module itself, or of the one used module that has it.
  std::string local(const Outline &module, std::string_view name) const {
    if (has(module.module, name)) return fmt::format("#{}", name);
    std::string only;
    for (const std::string &used : module.uses) {
      if (!has(used, name)) continue;
      if (!only.empty()) return {};
      only = fmt::format("{}.html#{}", used, name);
    }
    return only;
  }

  std::map<std::string, std::set<std::string, std::less<>>> names_;
};

/// One line of prose: `code` is shown as code, a source smaller.
std::string prose_line(std::string_view text) {
  std::string line = escaped(text);
  bool open = false;
  for (std::size_t at = 0; (at = line.find('`', at)) != std::string::npos;) {
    if (!open && line.find('`', at + 1) == std::string::npos) break;
    const std::string_view tag = open ? "</code>" : "<code>";
    line.replace(at, 1, tag);
    at += tag.size();
    open = !open;
  }
  if (const std::size_t source = line.find("Source: "); source != std::string::npos)
    line = line.substr(0, source) + "<span class=\"source\">" + line.substr(source) + "</span>";
  return fmt::format("<p>{}</p>\n", line);
}

/// Text of a doc comment; what is four blanks further in is an example.
std::string prose(const Outline &module, const std::string &doc, const Links &links) {
  std::string out, example;
  const auto end_example = [&] {
    while (example.ends_with('\n')) example.pop_back();
    if (!example.empty()) out += fmt::format("<pre><code>{}</code></pre>\n", links.code(module, example));
    example.clear();
  };
  for (std::size_t begin = 0; begin < doc.size();) {
    const std::size_t end = std::min(doc.find('\n', begin), doc.size());
    const std::string_view line = std::string_view(doc).substr(begin, end - begin);
    begin = end + 1;
    if (line.starts_with("    ")) {
      example += fmt::format("{}{}", example.empty() ? "" : "\n", line.substr(4));
    } else if (line.empty()) {
      if (!example.empty()) example += '\n';
    } else {
      end_example();
      out += prose_line(line);
    }
  }
  end_example();
  return out;
}

std::string frame(const std::string &title, const std::string &body) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width\">\n<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n{}</body>\n</html>\n",
      escaped(title), style, body);
}

std::string contents(const Outline &module) {
  std::string out = "<nav>\n";
  for (const Kind kind : kinds_shown()) {
    std::string names;
    for (const Entry &entry : module.entries)
      if (entry.kind == kind && !entry.name.empty())
        names += fmt::format("{}<a href=\"#{}\">{}</a>", names.empty() ? "" : ", ", escaped(entry.name),
                             escaped(entry.name));
    if (!names.empty()) out += fmt::format("<div><h3>{}</h3>{}</div>\n", plural(kind), names);
  }
  return out + "</nav>\n";
}

std::string page(const Outline &module, const Links &links) {
  std::string out = fmt::format("<p><a href=\"index.html\">modules</a></p>\n<h1>Module <code>{}</code></h1>\n{}",
                                escaped(module.module), prose(module, module.doc, links));
  out += contents(module);
  for (const Kind kind : kinds_shown()) {
    bool any = false;
    for (const Entry &entry : module.entries) {
      if (entry.kind != kind) continue;
      if (!any) out += fmt::format("<h2>{}</h2>\n", plural(kind));
      any = true;
      std::string code = links.code(module, entry.signature);
      for (const std::string &clause : entry.clauses) code += "\n  " + links.code(module, clause);
      const std::string anchor = entry.name.empty() ? "" : fmt::format(" id=\"{}\"", escaped(entry.name));
      out += fmt::format("<section{}>\n<pre><code>{}</code></pre>\n{}</section>\n", anchor, code,
                         prose(module, entry.doc, links));
    }
  }
  return frame(module.module, out);
}

}  // namespace

std::vector<Page> html_reference(const std::vector<Outline> &modules) {
  const Links links(modules);
  std::string rows;
  for (const Outline &module : modules)
    rows += fmt::format("<tr><td><a href=\"{0}.html\"><code>{0}</code></a></td><td>{1}</td></tr>\n",
                        escaped(module.module), prose_line(summary(module.doc)));
  std::vector<Page> pages{{"index.html", frame("Modules", "<h1>Modules</h1>\n<table>\n" + rows + "</table>\n")}};
  for (const Outline &module : modules) pages.push_back({module.module + ".html", page(module, links)});
  return pages;
}

}  // namespace upg::outline

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/diagnostics/excerpt.h"
#include "runtime/diagnostics/findings.h"
#include "runtime/diagnostics/fingerprint.h"
#include "runtime/diagnostics/render_text.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::diagnostics {
namespace {

/// The text of a workflow command, or with `property` the value of one of its properties.
std::string github_escaped(std::string_view text, bool property) {
  std::string out;
  for (const char c : text) {
    if (c == '%') {
      out += "%25";
    } else if (c == '\r') {
      out += "%0D";
    } else if (c == '\n') {
      out += "%0A";
    } else if (property && c == ':') {
      out += "%3A";
    } else if (property && c == ',') {
      out += "%2C";
    } else {
      out += c;
    }
  }
  return out;
}

/// Valid UTF-8 without what XML 1.0 does not know, its own marks escaped.
std::string xml_escaped(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text, at);
    const char32_t c = step.code_point;
    const bool known = step.valid && (c >= 0x20 || c == '\t' || c == '\n' || c == '\r') && c != 0xfffe && c != 0xffff;
    if (!known) {
      out += "\xef\xbf\xbd";
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\r' || c == '\n' || c == '\t') {
      out += fmt::format("&#{};", static_cast<unsigned>(c));  // in an attribute it would become a blank
    } else {
      out += text.substr(at, step.length);
    }
    at += step.length;
  }
  return out;
}

/// The body of an element: line ends stay as they are.
std::string xml_text(std::string_view text) {
  std::string out = xml_escaped(text);
  for (std::size_t at = 0; (at = out.find("&#10;", at)) != std::string::npos; ++at) out.replace(at, 5, 1, '\n');
  return out;
}

/// Message, notes, schedule and hints without excerpts: the place is said beside it.
std::string words_of(const Diagnostic &d) {
  std::string out = d.message;
  for (const std::string &note : d.notes) out.append("\nnote: ").append(note);
  for (std::size_t i = 0; i < d.schedule.size() && i < 200; ++i) {
    const ScheduleStep &step = d.schedule[i];
    out += fmt::format("\n{}{}. {}{}", i == 0 ? "schedule that breaks it:\n" : "", i + 1,
                       step.host.empty() ? "" : step.host + " ", step.text);
  }
  for (const std::string &help : d.helps) out.append("\nhelp: ").append(help);
  for (const FixIt &fix : d.fixes) out.append("\nhelp: ").append(fix.title);
  return out;
}

std::string_view level(const Diagnostic &d) { return d.severity() == Severity::error ? "error" : "warning"; }

}  // namespace

std::string render_github(const Findings &findings) {
  std::string out;
  for (const Diagnostic &d : findings.sink.all()) {
    const KindInfo &kind = info(d.kind);
    const Range range = clamped(d.primary.range, findings.sources);
    out += fmt::format("::{} ", level(d));
    if (range.valid()) {
      const Position begin = findings.sources.position(range.file, range.begin);
      const Position end = findings.sources.position(range.file, range.end);
      out += fmt::format("file={},line={},endLine={},", github_escaped(findings.sources.path(range.file), true),
                         begin.line, end.line);
      // columns are only taken within one line; the last one belongs to the range
      if (begin.line == end.line)
        out += fmt::format("col={},endColumn={},", begin.column, std::max(begin.column, end.column - 1));
    }
    out += fmt::format("title={}::{}\n", github_escaped(fmt::format("{} {}", kind.code, kind.name), true),
                       github_escaped(words_of(d), false));
  }
  return out;
}

std::string render_gitlab(const Findings &findings) {
  using Json = nlohmann::ordered_json;
  Fingerprints prints(findings.sources);
  Json list = Json::array();
  for (const Diagnostic &d : findings.sink.all()) {
    const Range range = clamped(d.primary.range, findings.sources);
    std::string path(findings.input);
    std::uint32_t begin = 1, end = 1;
    if (range.valid()) {
      path = findings.sources.path(range.file);
      begin = findings.sources.line_of(range.file, range.begin);
      end = std::max(begin, findings.sources.line_of(range.file, range.end));
    }
    list.push_back({{"description", words_of(d)},
                    {"check_name", fmt::format("{} {}", info(d.kind).code, info(d.kind).name)},
                    {"fingerprint", prints.of(d)},
                    {"severity", d.severity() == Severity::error ? "critical" : "minor"},
                    {"location", {{"path", path}, {"lines", {{"begin", begin}, {"end", end}}}}}});
  }
  return list.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string render_junit(const Findings &findings) {
  const auto all = findings.sink.all();
  const auto failures = static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [](const Diagnostic &d) { return d.severity() == Severity::error; }));
  const std::size_t tests = std::max<std::size_t>(all.size(), 1);
  const std::string name = xml_escaped(findings.input);
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuites name=\"upgc check\" tests=\"{0}\" failures=\"{1}\" errors=\"0\">\n"
      "  <testsuite name=\"{2}\" tests=\"{0}\" failures=\"{1}\" errors=\"0\" skipped=\"0\">\n",
      tests, failures, name);
  if (all.empty()) out += fmt::format("    <testcase classname=\"upgc.check\" name=\"{}\"/>\n", name);
  for (const Diagnostic &d : all) {
    const Range range = clamped(d.primary.range, findings.sources);
    std::string place;
    if (range.valid()) {
      const Position at = findings.sources.position(range.file, range.begin);
      place = fmt::format(" at {}:{}:{}", findings.sources.path(range.file), at.line, at.column);
    }
    const std::string body = xml_text(render_text(d, findings.sources));
    out += fmt::format("    <testcase classname=\"upgc.{}\" name=\"{}\">\n", info(d.kind).name,
                       xml_escaped(fmt::format("{}{}", info(d.kind).code, place)));
    if (d.severity() == Severity::error) {
      out += fmt::format("      <failure type=\"{}\" message=\"{}\">{}</failure>\n", info(d.kind).code,
                         xml_escaped(d.message), body);
    } else {
      out += fmt::format("      <system-out>{}</system-out>\n", body);
    }
    out += "    </testcase>\n";
  }
  return out + "  </testsuite>\n</testsuites>\n";
}

}  // namespace upg::diagnostics

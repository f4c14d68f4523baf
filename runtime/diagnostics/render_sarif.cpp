#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "runtime/diagnostics/excerpt.h"
#include "runtime/diagnostics/findings.h"
#include "runtime/diagnostics/fingerprint.h"

namespace upg::diagnostics {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostPlaces = 100;      // of one result
constexpr std::size_t kMostSteps = 1000;      // of one schedule
constexpr std::uint32_t kMostSnippet = 4096;  // bytes

/// RFC 3986: what a path may hold as it is. Everything else is escaped byte by byte.
std::string uri_of(std::string_view path) {
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
                       std::string_view("-._~/!$&'()*+,;=@").find(c) != std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
  }
  return out;
}

Json text(std::string_view plain) { return {{"text", plain}}; }

/// Message strings are read for `{0}` (3.11.5) and `[text](target)` (3.11.6): what is not meant so is escaped.
std::string escaped_message(std::string_view plain) {
  std::string out;
  for (std::size_t i = 0; i < plain.size(); ++i) {
    if (plain[i] == '{' || plain[i] == '}') out += plain[i];
    if (plain[i] == ']' && plain.substr(i + 1).starts_with('(')) out += '\\';
    out += plain[i];
  }
  return out;
}
Json message(std::string_view plain) { return text(escaped_message(plain)); }

std::string_view first_line(std::string_view page) { return page.substr(0, page.find("\n\n")); }

/// A paragraph of a page, whose lines are broken for a terminal, as one line.
std::string joined(std::string_view lines) {
  std::string out(lines);
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out;
}

std::string markdown(const Explanation &page) {
  std::string out(page.text);
  if (!page.failing.empty()) out += fmt::format("\n\nAn example that gets it:\n\n```upg\n{}```\n", page.failing);
  if (!page.fixed.empty()) out += fmt::format("\nThe same, mended:\n\n```upg\n{}```\n", page.fixed);
  return out;
}

std::string plain_help(const Explanation &page) {
  std::string out(page.text);
  if (!page.failing.empty()) out += fmt::format("\n\nAn example that gets it:\n\n{}", page.failing);
  if (!page.fixed.empty()) out += fmt::format("\nThe same, mended:\n\n{}", page.fixed);
  return out;
}

class Log {
 public:
  explicit Log(const Findings &findings) : findings_(findings), prints_(findings.sources) {}

  Json make() {
    collect_rules();
    Json results = Json::array();
    for (const Diagnostic &d : findings_.sink.all()) results.push_back(result(d));
    for (const AcceptedRisk &risk : findings_.accepted) results.push_back(suppressed(risk));
    Json run = {{"tool", {{"driver", driver()}}},
                {"columnKind", "unicodeCodePoints"},
                {"originalUriBaseIds",
                 {{"SRCROOT", {{"description", text("the folder in which upgc was started")}}},
                  {"UPGLIB", {{"description", text("the standard library of upgc")}}}}}};
    Json artifacts = Json::array();
    for (const std::uint32_t file : files_)
      artifacts.push_back({{"location", artifact({file})}, {"sourceLanguage", "upg"}});
    run["artifacts"] = std::move(artifacts);
    run["invocations"] = Json::array({invocation()});
    run["results"] = std::move(results);
    return {{"$schema", "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"},
            {"version", "2.1.0"},
            {"runs", Json::array({std::move(run)})}};
  }

 private:
  void collect_rules() {
    std::set<Kind> kinds;
    for (const Diagnostic &d : findings_.sink.all()) kinds.insert(d.kind);
    for (const AcceptedRisk &risk : findings_.accepted) kinds.insert(risk.finding.kind);
    for (const Kind kind : kinds) rules_.emplace(kind, rules_.size());
  }

  Json rule(Kind kind) const {
    const KindInfo &row = info(kind);
    Json out = {{"id", row.code},
                {"name", row.name},
                {"shortDescription", text(row.title)},
                {"defaultConfiguration", {{"level", row.severity == Severity::error ? "error" : "warning"}}}};
    if (const Explanation *page = find_explanation(kind, findings_.pages); page != nullptr) {
      out["fullDescription"] = text(joined(first_line(page->text)));
      out["help"] = {{"text", plain_help(*page)}, {"markdown", markdown(*page)}};
    } else {
      out["fullDescription"] = text(row.title);
      out["help"] = text(row.title);
    }
    return out;
  }

  Json driver() const {
    Json rules = Json::array();
    for (const auto &[kind, index] : rules_) rules.push_back(rule(kind));
    return {{"name", findings_.tool}, {"semanticVersion", findings_.version}, {"rules", std::move(rules)}};
  }

  Json invocation() const {
    // Errors in the input are what the tool is for; only its own failure is one of the invocation.
    const auto failed = [](const Diagnostic &d) { return d.kind == Kind::internal_error; };
    const auto all = findings_.sink.all();
    Json out = {{"executionSuccessful", std::none_of(all.begin(), all.end(), failed)}};
    if (findings_.sink.dropped() > 0) {
      out["toolExecutionNotifications"] = Json::array(
          {{{"level", "note"},
            {"message",
             message(fmt::format("{} not listed",
                                 counted(static_cast<std::int64_t>(findings_.sink.dropped()), "finding")))}}});
    }
    return out;
  }

  /// Not a file: `--limit` on the command line.
  bool is_file(Range range) const { return range.valid() && !findings_.sources.path(range.file).starts_with("--"); }

  Json artifact(FileId file) const {
    const std::string &path = findings_.sources.path(file);
    if (path.starts_with('/')) return {{"uri", "file://" + uri_of(path)}};
    return {{"uri", uri_of(path)}, {"uriBaseId", path.starts_with("std/") ? "UPGLIB" : "SRCROOT"}};
  }

  Json region(Range range) const {
    const Position begin = findings_.sources.position(range.file, range.begin);
    const Position end = findings_.sources.position(range.file, range.end);
    return {{"startLine", begin.line}, {"startColumn", begin.column}, {"endLine", end.line},
            {"endColumn", end.column}, {"byteOffset", range.begin},   {"byteLength", range.end - range.begin}};
  }

  Json physical(Range range, bool with_text) {
    files_.insert(range.file.index);
    Json out = {{"artifactLocation", artifact(range.file)}, {"region", region(range)}};
    if (with_text && range.end > range.begin) {
      Range shown = range;
      shown.end = std::min(range.end, range.begin + kMostSnippet);
      out["region"]["snippet"] = text(findings_.sources.text(shown));
    }
    return out;
  }

  /// A message can stand alone where there is no place.
  Json location(Range range, std::string_view words, bool with_text = false) {
    range = clamped(range, findings_.sources);
    Json out = Json::object();
    if (is_file(range)) out["physicalLocation"] = physical(range, with_text);
    if (!words.empty()) out["message"] = message(words);
    return out;
  }

  std::string whole_message(const Diagnostic &d) const {
    std::string out = d.message;
    for (const std::string &note : d.notes) out.append("\nnote: ").append(note);
    for (const std::string &help : d.helps) out.append("\nhelp: ").append(help);
    return out;
  }

  Json result(const Diagnostic &d) {
    Json out = {{"ruleId", info(d.kind).code},
                {"ruleIndex", rules_.at(d.kind)},
                {"level", d.severity() == Severity::error ? "error" : "warning"},
                {"message", message(whole_message(d))},
                {"locations", Json::array()}};
    place(out, d.primary);
    Json related = Json::array();
    for (const Label &label : d.secondary) {
      if (related.size() == kMostPlaces) break;
      Json at = location(label.range, label.text);
      if (!at.contains("physicalLocation")) continue;
      at["id"] = related.size() + 1;
      related.push_back(std::move(at));
    }
    if (!related.empty()) out["relatedLocations"] = std::move(related);
    if (!d.schedule.empty()) out["codeFlows"] = Json::array({schedule(d)});
    Json fixes = Json::array();
    for (const FixIt &fix : d.fixes) {
      if (Json one = changes(fix); !one.is_null()) fixes.push_back(std::move(one));
    }
    if (!fixes.empty()) out["fixes"] = std::move(fixes);
    print(out, d);
    return out;
  }

  void place(Json &out, const Label &primary) {
    if (is_file(clamped(primary.range, findings_.sources)))
      out["locations"].push_back(location(primary.range, primary.text, true));
  }

  void print(Json &out, const Diagnostic &d) {
    Json prints = Json::object();
    if (const std::string hash = prints_.line_hash(d.primary.range); !hash.empty())
      prints["primaryLocationLineHash"] = hash;
    prints["upgFinding/v1"] = prints_.of(d);
    out["partialFingerprints"] = std::move(prints);
  }

  /// The steps in the order of time, one flow: what happens on all hosts together is what breaks the rule.
  Json schedule(const Diagnostic &d) {
    Json steps = Json::array();
    for (const ScheduleStep &step : d.schedule) {
      if (steps.size() == kMostSteps) break;
      const std::string words = step.host.empty() ? step.text : step.host + ' ' + step.text;
      Json at = location(step.where, words);
      if (!step.host.empty()) at["logicalLocations"] = Json::array({{{"name", step.host}, {"kind", "resource"}}});
      steps.push_back({{"location", std::move(at)}, {"executionOrder", steps.size() + 1}, {"importance", "essential"}});
    }
    return {{"message", message("the shortest schedule that breaks the rule")},
            {"threadFlows", Json::array({{{"locations", std::move(steps)}}})}};
  }

  Json changes(const FixIt &fix) {
    std::map<std::uint32_t, Json> by_file;
    for (const Edit &edit : fix.edits) {
      const Range range = clamped(edit.range, findings_.sources);
      if (!is_file(range)) return nullptr;
      Json replacement = {{"deletedRegion", region(range)}};
      if (!edit.replacement.empty()) replacement["insertedContent"] = text(edit.replacement);
      by_file[range.file.index].push_back(std::move(replacement));
    }
    if (by_file.empty()) return nullptr;
    Json list = Json::array();
    for (auto &[file, replacements] : by_file) {
      files_.insert(file);
      list.push_back({{"artifactLocation", artifact({file})}, {"replacements", std::move(replacements)}});
    }
    return {{"description", message(fix.title)}, {"artifactChanges", std::move(list)}};
  }

  Json suppressed(const AcceptedRisk &risk) {
    Json out = result(risk.finding);
    Json suppression = {{"kind", "inSource"}, {"status", "accepted"}, {"justification", risk.reason}};
    if (is_file(clamped(risk.waiver, findings_.sources))) suppression["location"] = location(risk.waiver, "");
    out["suppressions"] = Json::array({std::move(suppression)});
    return out;
  }

  const Findings &findings_;
  Fingerprints prints_;
  std::map<Kind, std::size_t> rules_;  // with their index, in the order of the kinds
  std::set<std::uint32_t> files_;
};

}  // namespace

std::string render_sarif(const Findings &findings) {
  return Log(findings).make().dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace upg::diagnostics

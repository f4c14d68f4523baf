#include "runtime/diagnostics/render_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace upg::diagnostics {
namespace {

TEST(RenderJson, HasEveryPart) {
  Sources sources;
  const FileId f = sources.add("a.upg", "é x\nsecond\n");
  Sink sink;
  sink.report(Kind::unreadable_input, Range{f, 3, 4}, "m")
      .primary("p")
      .label(Range{f, 4, 7}, "l")
      .label({}, "no place")
      .note("n")
      .help("h")
      .fix("f", Range{f, 3, 4}, "y")
      .step("node1", "s", Range{f, 0, 2})
      .step("", "t", {});
  const auto expected = nlohmann::json::parse(R"({
    "schema": "upg.diagnostics", "version": 1, "errors": 1, "warnings": 0, "dropped": 0, "diagnostics": [{
      "code": "E0001", "kind": "unreadable_input", "severity": "error", "message": "m", "label": "p",
      "location": {"file": "a.upg", "begin": {"byte": 3, "line": 1, "column": 3}, "end": {"byte": 4, "line": 1, "column": 4}},
      "labels": [
        {"text": "l", "location": {"file": "a.upg", "begin": {"byte": 4, "line": 1, "column": 4}, "end": {"byte": 7, "line": 2, "column": 3}}},
        {"text": "no place", "location": null}],
      "notes": ["n"], "helps": ["h"],
      "fixes": [{"title": "f", "edits": [{"replacement": "y",
        "location": {"file": "a.upg", "begin": {"byte": 3, "line": 1, "column": 3}, "end": {"byte": 4, "line": 1, "column": 4}}}]}],
      "schedule": [
        {"host": "node1", "text": "s", "location": {"file": "a.upg", "begin": {"byte": 0, "line": 1, "column": 1}, "end": {"byte": 2, "line": 1, "column": 2}}},
        {"host": null, "text": "t", "location": null}]}]})");
  const std::string text = render_json(sink, sources);
  EXPECT_EQ(nlohmann::json::parse(text), expected) << text;
  EXPECT_EQ(text.back(), '\n');
}

TEST(RenderJson, EmptySinkIsADocumentToo) {
  const auto document = nlohmann::json::parse(render_json(Sink(), Sources()));
  EXPECT_EQ(document["diagnostics"].size(), 0u);
  EXPECT_EQ(document["errors"], 0);
}

TEST(RenderJson, HostileTextStaysJson) {
  Sources sources;
  const FileId f = sources.add("a\xFF.upg", "\xC3(\x1b\"\\\n");
  Sink sink;
  sink.report(Kind::unreadable_input, Range{f, 0, 900}, "bad \xFF\x1b[31m \"quoted\"").note("\xED\xA0\x80");
  const std::string text = render_json(sink, sources);
  const auto document = nlohmann::json::parse(text);
  EXPECT_EQ(document["diagnostics"][0]["message"], "bad \xEF\xBF\xBD\x1b[31m \"quoted\"");
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(document["diagnostics"][0]["location"]["end"]["byte"], 6);
}

}  // namespace
}  // namespace upg::diagnostics

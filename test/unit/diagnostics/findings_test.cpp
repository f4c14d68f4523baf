#include "runtime/diagnostics/findings.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runtime/diagnostics/apply_fixes.h"
#include "runtime/diagnostics/fingerprint.h"

namespace upg::diagnostics {
namespace {

using Lines = std::vector<std::string>;

// The values that GitHub's own upload action gives for these texts.
TEST(LineHashes, AreThoseOfCodeScanning) {
  EXPECT_EQ(line_hashes(""), Lines{"c129715d7a2bc9a3:1"});
  const Lines four = {"271789c17abda88f:1", "54703d4cd895b18:1", "180aee12dab6264:1", "a23a3dc5e078b07b:1"};
  EXPECT_EQ(line_hashes(" a\nb\n  \t\tc\n d"), four);
  EXPECT_EQ(line_hashes(" a\r\nb\r\n  \t\tc\r\n d"), four);
  EXPECT_EQ(line_hashes(" hello; \t\nworld!!!\n\n\n  \t\tGreetings\n End"),
            (Lines{"8b7cf3e952e7aeb2:1", "b1ae1287ec4718d9:1", "bff680108adb0fcc:1", "c6805c5e1288b612:1",
                   "b86d3392aea1be30:1", "e6ceba753e1a442:1"}));
}

TEST(LineHashes, CountEqualLinesAndTakeAnyBytes) {
  const Lines hashes = line_hashes(std::string(300, 'x') + "\n" + std::string(300, 'x') + "\n");
  ASSERT_EQ(hashes.size(), 3u);
  EXPECT_EQ(hashes[0].substr(0, hashes[0].find(':')), hashes[1].substr(0, hashes[1].find(':')));
  EXPECT_TRUE(hashes[0].ends_with(":1"));
  EXPECT_TRUE(hashes[1].ends_with(":2"));
  EXPECT_EQ(line_hashes("\xff\xfe\xf0\x9f\n\x80").size(), 2u);
}

TEST(Fingerprints, SurviveMovedLines) {
  const auto names = [](const std::string &text) {
    Sources sources;
    const FileId f = sources.add("a.upg", text);
    Sink sink(100);
    const auto at = static_cast<std::uint32_t>(text.find('x'));
    sink.report(Kind::unknown_name, {f, at, at + 1}, "m");
    sink.report(Kind::unknown_name, {f, at + 1, at + 2}, "m");
    sink.report(Kind::unknown_name, {}, "m");
    Fingerprints prints(sources);
    Lines out;
    for (const Diagnostic &d : sink.all()) out.push_back(prints.of(d));
    return out;
  };
  const Lines here = names("role xx {\n"), below = names("\n// new\n\n  role xx {\n");
  EXPECT_EQ(here, below);
  EXPECT_NE(here[0], here[1]);  // equal findings of one line
  EXPECT_NE(here[0], here[2]);
  EXPECT_NE(names("role xxy {\n")[0], here[0]);
}

Findings findings_of(const Sink &sink, const Sources &sources) {
  return {.sink = sink, .sources = sources, .input = "a.upg", .version = "0.1.0", .pages = {}, .accepted = {}};
}

TEST(Github, CommandsCannotBeBrokenOutOf) {
  Sources sources;
  const FileId f = sources.add("a,b:c%.upg", "one\ntwo\n");
  Sink sink;
  sink.report(Kind::unreadable_input, {f, 4, 7}, "50%\n::error::no\r: , end").help("h");
  sink.report(Kind::unused_module, {f, 0, 6}, "over lines");
  sink.report(Kind::unreadable_input, {}, "nowhere");
  EXPECT_EQ(render_github(findings_of(sink, sources)),
            "::error file=a%2Cb%3Ac%25.upg,line=2,endLine=2,col=1,endColumn=3,title=E0001 unreadable_input::"
            "50%25%0A::error::no%0D: , end%0Ahelp: h\n"
            "::warning file=a%2Cb%3Ac%25.upg,line=1,endLine=2,title=W0251 unused_module::over lines\n"
            "::error title=E0001 unreadable_input::nowhere\n");
}

TEST(Junit, HoldsNothingThatXmlDoesNotKnow) {
  Sources sources;
  Sink sink;
  sink.report(Kind::unreadable_input, {}, "a<b> & \"c\" \x01 \xff ]]>");
  const std::string text = render_junit(findings_of(sink, sources));
  EXPECT_NE(text.find("message=\"a&lt;b&gt; &amp; &quot;c&quot; \xef\xbf\xbd \xef\xbf\xbd ]]&gt;\""), std::string::npos)
      << text;
  EXPECT_EQ(text.find('\x01'), std::string::npos);
}

TEST(Sarif, HasEveryPart) {
  Sources sources;
  const FileId f = sources.add("a b.upg", "é x\nsecond\n");
  const FileId library = sources.add("std/linux.upg", "role alive {}\n");
  Sink sink;
  sink.report(Kind::rule_avail, {f, 3, 4}, "m {x}")
      .primary("p")
      .label({library, 5, 10}, "l")
      .label({}, "no place")
      .note("n")
      .fix("f", {f, 3, 4}, "y")
      .step("node1", "s", {f, 0, 2})
      .step("", "t", {});
  sink.report(Kind::unused_name, {}, "w");
  sink.raise_warnings();
  Diagnostic lifted{};
  lifted.kind = Kind::rule_serial;
  lifted.message = "two at once";
  lifted.primary.range = {f, 3, 4};
  const AcceptedRisk risk{lifted, "why", {f, 5, 11}};
  Findings findings = findings_of(sink, sources);
  findings.accepted = {&risk, 1};
  const auto log = nlohmann::json::parse(render_sarif(findings));
  const auto &run = log["runs"][0];
  EXPECT_EQ(run["columnKind"], "unicodeCodePoints");
  ASSERT_EQ(run["results"].size(), 3u);
  const auto &first = run["results"][0];
  EXPECT_EQ(first["message"]["text"], "m {{x}}\nnote: n");
  const auto &at = first["locations"][0]["physicalLocation"];
  EXPECT_EQ(at["artifactLocation"]["uri"], "a%20b.upg");
  EXPECT_EQ(at["artifactLocation"]["uriBaseId"], "SRCROOT");
  EXPECT_EQ(at["region"]["startColumn"], 3);
  EXPECT_EQ(at["region"]["endColumn"], 4);
  EXPECT_EQ(at["region"]["snippet"]["text"], "x");
  ASSERT_EQ(first["relatedLocations"].size(), 1u);
  EXPECT_EQ(first["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uriBaseId"], "UPGLIB");
  const auto &steps = first["codeFlows"][0]["threadFlows"][0]["locations"];
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[0]["location"]["message"]["text"], "node1 s");
  EXPECT_EQ(steps[0]["location"]["logicalLocations"][0]["name"], "node1");
  EXPECT_FALSE(steps[1]["location"].contains("physicalLocation"));
  EXPECT_EQ(first["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"], "y");
  EXPECT_EQ(run["results"][1]["level"], "error");  // raised
  const auto &accepted = run["results"][2];
  EXPECT_EQ(accepted["message"]["text"], "two at once");
  EXPECT_EQ(accepted["locations"][0]["physicalLocation"]["region"]["startColumn"], 3);
  const auto &suppression = accepted["suppressions"][0];
  EXPECT_EQ(suppression["justification"], "why");
  EXPECT_EQ(suppression["location"]["physicalLocation"]["region"]["startLine"], 2);
  EXPECT_EQ(run["tool"]["driver"]["rules"].size(), 3u);
}

// ---- fixes

std::vector<FixedFile> applied(const Sink &sink, const Sources &sources) {
  return apply_sure_fixes(sink, sources, std::vector<bool>(sources.size(), true));
}

TEST(ApplyFixes, TakesSureOnesThatDoNotOverlap) {
  Sources sources;
  const FileId f = sources.add("a.upg", "a && b\nc || d\n");
  Sink sink;
  sink.report(Kind::foreign_operator, {f, 9, 11}, "second").sure_fix("write `or`", {f, 9, 11}, "or");
  sink.report(Kind::foreign_operator, {f, 2, 4}, "first").sure_fix("write `and`", {f, 2, 4}, "and");
  sink.report(Kind::foreign_operator, {f, 3, 4}, "overlaps").sure_fix("no", {f, 3, 5}, "no");
  sink.report(Kind::unknown_name, {f, 5, 6}, "a guess").fix("did you mean `x`?", {f, 5, 6}, "x");
  const std::vector<FixedFile> files = applied(sink, sources);
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0].text, "a and b\nc or d\n");
  EXPECT_EQ(files[0].told, (Lines{"a.upg:1:3: E0111: write `and`", "a.upg:2:3: E0111: write `or`"}));
}

TEST(ApplyFixes, AFixIsTakenWholeOrNotAtAll) {
  Sources sources;
  const FileId f = sources.add("a.upg", "abcdef"), locked = sources.add("std/b.upg", "abcdef");
  Sink sink;
  Diagnostic half{};
  half.kind = Kind::foreign_operator;
  half.message = "two files, one of them not ours";
  half.fixes.push_back({"both", {{{f, 0, 1}, "X"}, {{locked, 0, 1}, "X"}}, true});
  sink.report(half);
  Diagnostic outside{};
  outside.kind = Kind::foreign_operator;
  outside.message = "outside the file";
  outside.fixes.push_back({"out", {{{f, 4, 900}, ""}}, true});
  sink.report(outside);
  EXPECT_TRUE(apply_sure_fixes(sink, sources, {true, false}).empty());
}

TEST(UnifiedDiff, IsThatOfDiff) {
  EXPECT_EQ(unified_diff("a", "same\n", "same\n"), "");
  EXPECT_EQ(unified_diff("a", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n"),
            "--- a\n+++ a\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
  EXPECT_EQ(unified_diff("a", "1", "1\n2\n"),
            "--- a\n+++ a\n@@ -1,1 +1,2 @@\n-1\n\\ No newline at end of file\n+1\n+2\n");
  std::string far = "a\n", changed = "A\n";
  for (int i = 0; i < 20; ++i) far += "x\n", changed += "x\n";
  EXPECT_EQ(unified_diff("a", far + "b\n", changed + "B\n"),
            "--- a\n+++ a\n@@ -1,4 +1,4 @@\n-a\n+A\n x\n x\n x\n@@ -19,4 +19,4 @@\n x\n x\n x\n-b\n+B\n");
}

}  // namespace
}  // namespace upg::diagnostics

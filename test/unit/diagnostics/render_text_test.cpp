#include "runtime/diagnostics/render_text.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace upg::diagnostics {
namespace {

/// A file with ranges found by their text.
class RenderText : public ::testing::Test {
 protected:
  FileId add(std::string path, std::string text) { return sources.add(std::move(path), std::move(text)); }
  Range find(FileId file, std::string_view what, std::size_t from = 0) const {
    const std::size_t at = sources.text(file).find(what, from);
    EXPECT_NE(at, std::string_view::npos) << what;
    return {file, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + what.size())};
  }
  Range span(Range from, Range to) const { return {from.file, from.begin, to.end}; }
  Diagnostic make(Range place, std::string text = {}) const {
    Diagnostic d{};
    d.kind = Kind::unreadable_input;
    d.message = "message";
    d.primary = {place, std::move(text)};
    return d;
  }
  std::string render(const Diagnostic &d) const { return "\n" + render_text(d, sources); }
  Sources sources;
};

TEST_F(RenderText, NoPlace) {
  Diagnostic d = make({});
  d.notes = {"a fact", "two\nlines"};
  d.helps = {"do this"};
  EXPECT_EQ(render(d), R"(
error[E0001]: message
  = note: a fact
  = note: two
          lines
  = help: do this
)");
}

TEST_F(RenderText, OneLabel) {
  const FileId f = add("a.upg", "one\n  reboot(n)\n");
  Diagnostic d = make(find(f, "reboot"), "here");
  d.notes = {"why"};
  EXPECT_EQ(render(d), R"(
error[E0001]: message
 --> a.upg:2:3
  |
2 |   reboot(n)
  |   ^^^^^^ here
  |
  = note: why
)");
}

TEST_F(RenderText, SeveralLabelsOnOneLine) {
  const FileId f = add("a.upg", "fn foo(x: i32, y: &str) {\n");
  Diagnostic d = make(find(f, "foo"), "this one");
  d.secondary = {{find(f, "i32"), "first"}, {find(f, "&str"), "expected due to this"}};
  EXPECT_EQ(render(d), R"(
error[E0001]: message
 --> a.upg:1:4
  |
1 | fn foo(x: i32, y: &str) {
  |    ^^^    ---     ---- expected due to this
  |    |      |
  |    |      first
  |    this one
)");
}

TEST_F(RenderText, PrimaryWinsInsideAWiderLabel) {
  const FileId f = add("a.upg", "await gate(n) on host\n");
  Diagnostic d = make(find(f, "gate"), "inner");
  d.secondary = {{find(f, "await gate(n) on host"), "outer"}};
  EXPECT_EQ(render(d), R"(
error[E0001]: message
 --> a.upg:1:7
  |
1 | await gate(n) on host
  | ------^^^^-----------
  | |     |
  | |     inner
  | outer
)");
}

TEST_F(RenderText, GapsBetweenLines) {
  const FileId f = add("a.upg", "l1\nl2\nl3\nl4\nl5\nl6\nl7\nl8\nl9\nl10\n");
  Diagnostic d = make(find(f, "l10"), "last");
  d.secondary = {{find(f, "l1"), "first"}, {find(f, "l3"), "one line between is shown"}};
  EXPECT_EQ(render(d), R"(
error[E0001]: message
  --> a.upg:10:1
   |
1  | l1
   | -- first
2  | l2
3  | l3
   | -- one line between is shown
...
10 | l10
   | ^^^ last
)");
}

TEST_F(RenderText, AcrossFiles) {
  const FileId f = add("plan.upg", "  with noout { }\n");
  const FileId g = add("std/ceph.upg", "/// doc\nhold noout {\n");
  Diagnostic d = make(find(f, "noout"), "held here");
  d.secondary = {{find(g, "noout"), "declared here"}};
  d.helps = {"h"};
  EXPECT_EQ(render(d), R"(
error[E0001]: message
 --> plan.upg:1:8
  |
1 |   with noout { }
  |        ^^^^^ held here
  |
  ::: std/ceph.upg:2:6
  |
2 | hold noout {
  |      ----- declared here
  |
  = help: h
)");
}

TEST_F(RenderText, RangeOverSeveralLines) {
  const FileId f = add("a.upg", "x = rolling n {\n  a\n  b\n} y\n");
  Diagnostic d = make(span(find(f, "rolling"), find(f, "}")), "this block");
  EXPECT_EQ(render(d), R"(
error[E0001]: message
 --> a.upg:1:5
  |
1 |   x = rolling n {
  |  _____^
2 | |   a
3 | |   b
4 | | } y
  | |_^ this block
)");
}

TEST_F(RenderText, NestedRangesOverSeveralLines) {
  const FileId f = add("a.upg", "with h {\n  roll {\n    step\n  }\n}\n");
  Diagnostic d = make(find(f, "step"), "step");
  const std::string_view text = sources.text(f);
  const auto whole = static_cast<std::uint32_t>(text.rfind('}') + 1);
  d.secondary = {{span(find(f, "roll"), find(f, "}")), "inner"}, {Range{f, 0, whole}, "outer"}};
  EXPECT_EQ(render(d), R"(
error[E0001]: message
 --> a.upg:3:5
  |
1 | /  with h {
2 | |/   roll {
3 | ||     step
  | ||     ^^^^ step
4 | ||   }
  | ||___- inner
5 | |  }
  | |__- outer
)");
}

TEST_F(RenderText, LongBlocksShowTheirEnds) {
  const FileId f = add("a.upg", "{\n1\n2\n3\n4\n5\n6\n7\n8\n}\n");
  EXPECT_EQ(render(make(Range{f, 0, 19}, "long")), R"(
error[E0001]: message
  --> a.upg:1:1
   |
1  | / {
...  |
10 | | }
   | |_^ long
)");
}

TEST_F(RenderText, CaretsFollowDisplayWidth) {
  const FileId f = add("a.upg", "é漢😀e\u0301\tX = 1\n");
  EXPECT_EQ(render(make(find(f, "X"), "here")), R"(
error[E0001]: message
 --> a.upg:1:7
  |
1 | é漢😀)"
                                                "e\u0301"
                                                R"(  X = 1
  |         ^ here
)");
  EXPECT_EQ(render(make(find(f, "漢😀"), "here")), R"(
error[E0001]: message
 --> a.upg:1:2
  |
1 | é漢😀)"
                                                  "e\u0301"
                                                  R"(  X = 1
  |  ^^^^ here
)");
}

TEST_F(RenderText, HostileBytesAreEscapedEverywhere) {
  const FileId f = add("a\x1b[2J.upg", "a\x1b]0;pwned\x07 b\u202E \xFF X\n");
  Diagnostic d = make(find(f, "X"), "label \x1b[31m");
  d.message = "bad \x1b[31m\nname";
  d.notes = {"note \u2066\xC3"};
  d.fixes = {{"fix \x1b", {{find(f, "X"), "\x1b"}}}};
  d.schedule = {{"n\x1b", "does \x1b", find(f, "X")}};
  const std::string text = render(d);
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << text;
  EXPECT_EQ(text.find('\x07'), std::string::npos);
  EXPECT_EQ(text.find('\xFF'), std::string::npos);
  EXPECT_NE(text.find("1 | a<U+001B>]0;pwned<U+0007> b<U+202E> <FF> X\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  |                                          ^ label <U+001B>[31m\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("error[E0001]: bad <U+001B>[31m<U+000A>name\n"), std::string::npos) << text;
}

TEST_F(RenderText, EndOfFileAndEmptyFile) {
  const FileId f = add("a.upg", "abc");
  EXPECT_EQ(render(make(Range{f, 3, 3}, "expected more")), R"(
error[E0001]: message
 --> a.upg:1:4
  |
1 | abc
  |    ^ expected more
)");
  const FileId e = add("e.upg", "");
  EXPECT_EQ(render(make(Range{e, 0, 0}, "empty")), R"(
error[E0001]: message
 --> e.upg:1:1
  |
1 |
  | ^ empty
)");
  const FileId n = add("n.upg", "abc\n");
  EXPECT_EQ(render(make(Range{n, 0, 4}, "with its line feed")), R"(
error[E0001]: message
 --> n.upg:1:1
  |
1 | abc
  | ^^^ with its line feed
)");
}

TEST_F(RenderText, VeryLongLinesAreCut) {
  std::string text(100000, 'a');
  text += "TARGET" + std::string(100000, 'b');
  const FileId f = add("a.upg", text);
  const std::string a(40, 'a'), b(40, 'b');
  EXPECT_EQ(render(make(find(f, "TARGET"), "here")), "\nerror[E0001]: message\n --> a.upg:1:100001\n  |\n1 | …" + a +
                                                         "TARGET" + b + "…\n  | " + std::string(41, ' ') +
                                                         "^^^^^^ here\n");
}

TEST_F(RenderText, AShortLineOfEscapesIsCutToo) {
  const FileId f = add("a.upg", std::string(150, '\0') + "X" + std::string(30, '\x7F'));
  const std::string text = render(make(find(f, "X"), "here"));
  EXPECT_LT(text.size(), 400u) << text;
  EXPECT_NE(text.find("1 | …<U+0000>"), std::string::npos);
  EXPECT_NE(text.find("<U+0000>X<U+007F>"), std::string::npos);
}

TEST_F(RenderText, ALongRangeIsCutInTheMiddle) {
  const FileId f = add("a.upg", "say " + std::string(5000, '\xC3') + " end");
  const std::string text = render(make(Range{f, 4, 5004}, "all of this"));
  EXPECT_LT(text.size(), 2000u);
  EXPECT_NE(text.find("…"), std::string::npos);
  EXPECT_NE(text.find("^ all of this"), std::string::npos);
}

TEST_F(RenderText, FixesShowTheLineTheyMake) {
  const FileId f = add("a.upg", "let x = total-1\n  wait(x)\n");
  Diagnostic d = make(find(f, "total-1"));
  d.fixes = {{"write `total - 1`", {{find(f, "total-1"), "total - 1"}}},
             {"insert a semicolon", {{Range{f, 15, 15}, ";"}}},
             {"remove `wait`", {{find(f, "wait"), ""}}},
             {"add a line", {{Range{f, 16, 16}, "  await g\n"}}}};
  EXPECT_EQ(render(d), R"(
error[E0001]: message
 --> a.upg:1:9
  |
1 | let x = total-1
  |         ^^^^^^^
  |
help: write `total - 1`
  |
1 | let x = total - 1
  |         ~~~~~~~~~
help: insert a semicolon
  |
1 | let x = total-1;
  |                +
help: remove `wait`
  |
2 -   wait(x)
2 +   (x)
help: add a line
  |
2 +   await g
)");
}

TEST_F(RenderText, ScheduleIsNumbered) {
  const FileId f = add("a.upg", "reboot(n)\n");
  Diagnostic d = make(find(f, "reboot"));
  d.schedule = {{"node1", "starts reboot: 2 of 3 votes up, 2 needed", find(f, "reboot")},
                {"node10", "starts reboot: 1 of 3 votes up, 2 needed", find(f, "reboot")},
                {"", "the cluster stands still", {}}};
  d.helps = {"one at a time"};
  EXPECT_EQ(render(d), R"(
error[E0001]: message
 --> a.upg:1:1
  |
1 | reboot(n)
  | ^^^^^^
  |
  = schedule that breaks it:
     1. node1  starts reboot: 2 of 3 votes up, 2 needed  (a.upg:1:1)
     2. node10 starts reboot: 1 of 3 votes up, 2 needed  (a.upg:1:1)
     3.        the cluster stands still
  = help: one at a time
)");
}

TEST_F(RenderText, PlacesInNoFileAreNotes) {
  Diagnostic d = make(Range{FileId{42}, 1, 2}, "nowhere");
  d.secondary = {{{}, "nowhere either"}};
  EXPECT_EQ(render(d), R"(
error[E0001]: message
  = note: nowhere
  = note: nowhere either
)");
}

TEST_F(RenderText, WholeSinkEndsWithItsSummary) {
  Sink sink;
  EXPECT_EQ(render_text(sink, sources), "");
  sink.report(Kind::unreadable_input, {}, "a");
  sink.report(Kind::unreadable_input, {}, "b");
  EXPECT_EQ(render_text(sink, sources), "error[E0001]: a\n\nerror[E0001]: b\n\n2 errors\n");
}

TEST_F(RenderText, ColourOnlyWhenWanted) {
  const FileId f = add("a.upg", "abc\n");
  TextStyle style;
  style.color = true;
  const std::string text = render_text(make(find(f, "b"), "x"), sources, style);
  EXPECT_NE(text.find("\x1b[1;31merror[E0001]\x1b[0m"), std::string::npos);
  EXPECT_NE(text.find("\x1b[1;31m^\x1b[0m"), std::string::npos);
  EXPECT_TRUE(use_color(Color::always, -1));
  EXPECT_FALSE(use_color(Color::never, 1));
  EXPECT_FALSE(use_color(Color::automatic, -1));
}

}  // namespace
}  // namespace upg::diagnostics

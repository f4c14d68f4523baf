#include "runtime/diagnostics/utf8.h"

#include <gtest/gtest.h>

namespace upg::diagnostics {
namespace {

TEST(Utf8, DecodesOnlyWhatIsValid) {
  EXPECT_EQ(utf8_step("é", 0).code_point, U'é');
  EXPECT_EQ(utf8_step("😀", 0).length, 4u);
  for (const std::string_view bad : {"\x80", "\xC0\xAF", "\xC1\x81", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF0\x80\x80\x80",
                                     "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xE2\x82", "\xE2\x28\xA1"}) {
    EXPECT_FALSE(utf8_step(bad, 0).valid) << printable(bad);
    EXPECT_EQ(utf8_step(bad, 0).length, 1u);
  }
}

TEST(Utf8, WidthsAreThoseOfATerminal) {
  EXPECT_EQ(display_width(U'a'), 1);
  EXPECT_EQ(display_width(U'é'), 1);
  EXPECT_EQ(display_width(U'漢'), 2);
  EXPECT_EQ(display_width(U'😀'), 2);
  EXPECT_EQ(display_width(U'\u0301'), 0);
  EXPECT_EQ(display_width(U'…'), 1);
  EXPECT_EQ(display_columns("aé漢😀e\u0301"), 7u);
}

TEST(Utf8, EscapesWhatActsOnATerminal) {
  EXPECT_EQ(printable("a\x1b[31mb"), "a<U+001B>[31mb");
  EXPECT_EQ(printable("x\u202Ey\u2066z\u200B"), "x<U+202E>y<U+2066>z<U+200B>");
  EXPECT_EQ(printable("\u009B1m"), "<U+009B>1m");  // the one-character form of ESC [
  EXPECT_EQ(printable("\xFF\xC3"), "<FF><C3>");
  EXPECT_EQ(printable("a\nb\rc"), "a<U+000A>b<U+000D>c");
  EXPECT_EQ(printable("a\nb\rc", true), "a\nb<U+000D>c");
  EXPECT_EQ(printable("é漢😀"), "é漢😀");
}

TEST(Utf8, EscapesTowersOfCombiningMarks) {
  std::string tower = "e";
  for (int i = 0; i < 6; ++i) tower += "\u0301";
  EXPECT_EQ(printable(tower), "e\u0301\u0301\u0301\u0301<U+0301><U+0301>");
}

}  // namespace
}  // namespace upg::diagnostics

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "runtime/diagnostics/diagnostic.h"
#include "runtime/diagnostics/render_text.h"

namespace upg::diagnostics {
namespace {

TEST(Kinds, AreInfoByEnumerator) {
  EXPECT_EQ(info(Kind::unreadable_input).name, "unreadable_input");
  EXPECT_EQ(info(Kind::unreadable_input).code, "E0001");
  EXPECT_EQ(all_kinds().size(), static_cast<std::size_t>(Kind::count_));
}

TEST(Kinds, TitlesReadLikeMessages) {
  for (const KindInfo &kind : all_kinds()) {
    EXPECT_FALSE(kind.title.empty()) << kind.code;
    EXPECT_NE(kind.title.back(), '.') << kind.code;
  }
}

TEST(Sink, DropsExactRepeats) {
  Sink sink;
  sink.report(Kind::unreadable_input, {}, "a");
  sink.report(Kind::unreadable_input, {}, "a").note("another note does not make it new");
  sink.report(Kind::unreadable_input, {}, "b");
  sink.report(Kind::unreadable_input, Range{FileId{0}, 1, 2}, "a");
  EXPECT_EQ(sink.errors(), 3u);
  EXPECT_EQ(sink.all().size(), 3u);
  EXPECT_EQ(sink.dropped(), 0u);
  EXPECT_EQ(summary(sink), "3 errors");
}

TEST(Sink, StoresNoMoreThanItsLimit) {
  Sink sink(2);
  for (int i = 0; i < 5; ++i) sink.report(Kind::unreadable_input, {}, std::to_string(i));
  EXPECT_EQ(sink.all().size(), 2u);
  EXPECT_EQ(sink.errors(), 5u);
  EXPECT_EQ(sink.dropped(), 3u);
  EXPECT_EQ(summary(sink), "5 errors (3 not shown)");
}

TEST(Sink, BuilderFillsEveryPart) {
  Sink sink;
  const Range here{FileId{0}, 1, 2};
  sink.report(Kind::internal_error, here, "m")
      .primary("p")
      .label(here, "l")
      .note("n")
      .help("h")
      .fix("f", here, "r")
      .step("host", "s", here);
  const Diagnostic &stored = sink.all()[0];
  EXPECT_EQ(stored.primary.text, "p");
  EXPECT_EQ(stored.secondary.at(0).text, "l");
  EXPECT_EQ(stored.notes.at(0), "n");
  EXPECT_EQ(stored.helps.at(0), "h");
  EXPECT_EQ(stored.fixes.at(0).edits.at(0).replacement, "r");
  EXPECT_EQ(stored.schedule.at(0).host, "host");
  EXPECT_EQ(summary(sink), "1 error");
}

TEST(DidYouMean, FindsOnlyNearWords) {
  const std::array<std::string_view, 4> names{"health_ok", "quorate", "data_safe", "Noout"};
  EXPECT_EQ(did_you_mean("health_of", names), "health_ok");
  EXPECT_EQ(did_you_mean("quorat", names), "quorate");
  EXPECT_EQ(did_you_mean("noout", names), "Noout");
  EXPECT_EQ(did_you_mean("reboot", names), "");
  EXPECT_EQ(did_you_mean("", names), "");
  EXPECT_EQ(did_you_mean("quorate", names), "");  // the word itself is no suggestion
  EXPECT_EQ(did_you_mean(std::string(1000000, 'x'), names), "");
}

}  // namespace
}  // namespace upg::diagnostics

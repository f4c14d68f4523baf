#include "runtime/report/plan_text.h"

#include <gtest/gtest.h>

#include "runtime/plan/builder.h"

namespace upg::report {
namespace {

using plan::NodeId;
using plan::Op;

TEST(PlanText, Durations) {
  EXPECT_EQ(duration_text(0), "0s");
  EXPECT_EQ(duration_text(250), "250ms");
  EXPECT_EQ(duration_text(10000), "10s");
  EXPECT_EQ(duration_text(90000), "1m30s");
  EXPECT_EQ(duration_text(9000000), "2h30m");
  EXPECT_EQ(duration_text(36LL * 3600000), "36h");
  EXPECT_EQ(duration_text(72LL * 3600000), "3d");
  EXPECT_EQ(duration_text(-1000), "-1s");
  EXPECT_FALSE(duration_text(INT64_MIN).empty());
}

TEST(PlanText, Sizes) {
  EXPECT_EQ(size_text(5000000000), "5GB");
  EXPECT_EQ(size_text(3LL << 30), "3GiB");
  EXPECT_EQ(size_text(1234567), "1234567B");
  EXPECT_EQ(size_text(0), "0B");
}

TEST(PlanText, Days) {
  EXPECT_EQ(day_text(0), "1970-01-01");
  EXPECT_EQ(day_text(1798761599), "2026-12-31");
  EXPECT_EQ(day_text(951782400), "2000-02-29");
  EXPECT_EQ(day_text(-1), "1969-12-31");
  EXPECT_FALSE(day_text(INT64_MIN).empty());
}

class Text : public ::testing::Test {
 protected:
  NodeId n(Op op, std::uint32_t a, std::initializer_list<NodeId> kids) { return b_.node(op, {}, a, 0, kids); }
  std::string text(NodeId node) { return PlanText(b_.plan, frame_).text(node); }
  plan::Builder b_;
  plan::Frame frame_;
};

TEST_F(Text, Operators) {
  const NodeId one = b_.number(1, {}), two = b_.number(2, {}), three = b_.number(3, {});
  EXPECT_EQ(text(n(Op::multiply, 0, {n(Op::add, 0, {one, two}), three})), "(1 + 2) * 3");
  EXPECT_EQ(text(n(Op::negate, 0, {n(Op::equal, 0, {one, two})})), "not (1 == 2)");
  EXPECT_EQ(text(n(Op::otherwise, 0, {n(Op::field, b_.string("up").index, {one}), two})), "1.up default 2");
}

TEST_F(Text, Commands) {
  const NodeId local = n(Op::on_local, 0, {});
  const NodeId words = b_.node(
      Op::run, {}, 0, 0,
      {local, b_.text("echo", {}), b_.text("a b", {}), b_.text("it's", {}), b_.text("", {}), b_.text("$(x)", {})});
  const PlanText t(b_.plan, frame_);
  EXPECT_EQ(t.command_line(words), "echo 'a b' 'it'\\''s' '' '$(x)'");
  EXPECT_EQ(t.where(words), "on the machine that runs upgrun");
  frame_.slots.push_back(b_.string("path"));
  const NodeId script = b_.node(
      Op::shell, {}, 0, 0, {n(Op::on_local, 0, {}), b_.text("cat ", {}), n(Op::local, 0, {}), b_.text(" | wc", {})});
  EXPECT_EQ(PlanText(b_.plan, frame_).command_line(script), "cat ${path} | wc");
  EXPECT_EQ(PlanText(b_.plan, frame_, {"\"/etc\""}).command_line(script), "cat ${\"/etc\"} | wc");
}

TEST_F(Text, LongTextsAreCut) {
  NodeId tree = b_.text("x", {});
  for (int i = 0; i < 14; ++i) {
    std::vector<NodeId> kids(3, tree);
    tree = b_.node(Op::list, {}, 0, 0, kids);
  }
  EXPECT_LT(text(tree).size(), 5000u);
}

TEST(Shown, EscapesAndCuts) {
  EXPECT_EQ(shown("a\nb").find('\n'), std::string::npos);
  EXPECT_EQ(shown(std::string(1000, 'x'), 10), "xxxxxxxxxx... (1000 bytes)");
  EXPECT_EQ(shown("\xc3\xa9\xc3\xa9", 3), "\xc3\xa9... (4 bytes)");
}

}  // namespace
}  // namespace upg::report

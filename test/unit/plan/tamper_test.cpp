#include <gtest/gtest.h>

#include "runtime/plan/bytecode.h"
#include "runtime/plan/bytecode_reader.h"
#include "runtime/plan/bytecode_writer.h"
#include "runtime/plan/validate.h"
#include "test/unit/plan/random_plan.h"

namespace upg::plan {
namespace {

TEST(Tamper, TruncatedAtEveryByte) {
  const std::string bytes = write(testing::random_plan(11, 2));
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const ReadResult result = read(std::string_view(bytes).substr(0, n));
    ASSERT_FALSE(result) << n;
    ASSERT_TRUE(result.error) << n;
    ASSERT_TRUE(result.error->kind == ReadErrorKind::wrong_size || result.error->kind == ReadErrorKind::not_a_plan)
        << n;
    ASSERT_FALSE(result.error->message.empty());
  }
}

TEST(Tamper, TruncatedAtEveryByteAndSealed) {
  const std::string bytes = write(testing::random_plan(11, 2));
  for (std::size_t n = layout::table; n < bytes.size(); ++n) {
    std::string shorter = bytes.substr(0, n);
    for (std::size_t i = 0; i < 8; ++i) shorter[layout::file_size + i] = static_cast<char>((n >> (8 * i)) & 0xff);
    seal(shorter);
    ASSERT_FALSE(read(shorter)) << n;
  }
}

TEST(Tamper, EveryByteFlipped) {
  const std::string bytes = write(testing::random_plan(12, 2));
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    std::string changed = bytes;
    changed[n] = static_cast<char>(changed[n] ^ (1 << (n % 8)));
    const ReadResult result = read(changed);
    ASSERT_FALSE(result) << n;
    if (n >= layout::digest) {
      ASSERT_EQ(result.error->kind, ReadErrorKind::wrong_digest) << n;
    }
  }
}

TEST(Tamper, EveryByteFlippedAndSealedIsRefusedOrAnotherValidPlan) {
  for (std::uint64_t seed = 20; seed < 23; ++seed) {
    const std::string bytes = write(testing::random_plan(seed, 2));
    std::size_t accepted = 0;
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      for (const int flip : {0x01, 0x80, 0xff}) {
        if (n >= layout::digest && n < layout::table) continue;  // sealing mends it
        std::string changed = bytes;
        changed[n] = static_cast<char>(changed[n] ^ flip);
        seal(changed);
        const ReadResult result = read(changed);
        ASSERT_NE(result.plan.has_value(), result.error.has_value());
        if (!result) continue;
        ++accepted;
        const auto fault = validate(*result.plan);
        ASSERT_FALSE(fault) << n << ": " << fault->message;
        ASSERT_EQ(write(*result.plan), changed) << "one plan, two files; byte " << n;
      }
    }
    EXPECT_GT(accepted, 0u);
  }
}

TEST(Tamper, NewerFormatSaysWhatToDo) {
  std::string bytes = write(testing::random_plan(1));
  bytes[layout::version] = static_cast<char>(bytecode_version + 1);
  seal(bytes);
  const ReadResult result = read(bytes);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error->kind, ReadErrorKind::newer_format);
  EXPECT_NE(info(result.error->kind).hint.find("build the plan again"), std::string_view::npos);
}

TEST(Tamper, OtherFiles) {
  EXPECT_EQ(read("").error->kind, ReadErrorKind::not_a_plan);
  EXPECT_EQ(read("upgrade pve9 of lab { }").error->kind, ReadErrorKind::not_a_plan);
  EXPECT_EQ(read(std::string(5000, '\0')).error->kind, ReadErrorKind::not_a_plan);
  const std::string bytes = write(testing::random_plan(1));
  EXPECT_EQ(read(bytes + "x").error->kind, ReadErrorKind::wrong_size);
}

TEST(Tamper, HugeFileIsNotRead) {
  const std::string huge(bytecode_limit + 1, 'U');
  EXPECT_EQ(read(huge).error->kind, ReadErrorKind::too_large);
}

std::string_view code(std::string_view bytes) {
  const ReadResult result = read(bytes);
  return result ? "none" : info(result.error->kind).code;
}

TEST(Tamper, EveryErrorHasItsCode) {
  const std::string bytes = write(testing::random_plan(1));
  const auto changed = [&](std::size_t at, char value) {
    std::string copy = bytes;
    copy[at] = value;
    seal(copy);
    return copy;
  };
  const auto with_plan = [](auto &&change) {
    Plan plan = testing::random_plan(1);
    change(plan);
    return write(plan);
  };
  EXPECT_EQ(code("hello"), "E2001");
  EXPECT_EQ(code(std::string(bytecode_limit + 1, 'U')), "E2002");
  EXPECT_EQ(code(changed(layout::version, 9)), "E2003");
  EXPECT_EQ(code(changed(layout::version, 0)), "E2004");
  EXPECT_EQ(code(bytes.substr(0, 20)), "E2005");
  EXPECT_EQ(code(bytes + "x"), "E2005");
  std::string flipped = bytes;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  EXPECT_EQ(code(flipped), "E2006");
  EXPECT_EQ(code(changed(layout::section_count, 1)), "E2007");
  EXPECT_EQ(code(changed(layout::table, 1)), "E2007");
  EXPECT_EQ(code(changed(layout::table + section_count() * layout::entry, '\xff')), "E2008");
  EXPECT_EQ(code(with_plan([](Plan &p) { p.strings[0] = "\xff"; })), "E2009");
  EXPECT_EQ(code(with_plan([](Plan &p) { p.body = NodeId(); })), "E2010");
  EXPECT_EQ(code(bytes), "none");
}

/// A section claims more elements than there are bytes: refused before anything is allocated.
TEST(Tamper, HugeCounts) {
  const std::string bytes = write(testing::random_plan(4));
  for (std::size_t kind = 0; kind < section_count(); ++kind) {
    const std::size_t entry = layout::table + kind * layout::entry;
    std::size_t offset = 0;
    for (std::size_t i = 0; i < 4; ++i)
      offset |= std::size_t{static_cast<unsigned char>(bytes[entry + 4 + i])} << (8 * i);
    if (offset + 5 > bytes.size()) continue;
    std::string changed = bytes;
    for (std::size_t i = 0; i < 4; ++i) changed[offset + i] = '\xff';
    changed[offset + 4] = '\x0f';
    seal(changed);
    EXPECT_FALSE(read(changed)) << kind;
  }
}

}  // namespace
}  // namespace upg::plan

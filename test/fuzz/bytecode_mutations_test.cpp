// What the fuzzer does, without clang and always the same: some tens of thousands of changed plan files.
#include <gtest/gtest.h>

#include <random>

#include "runtime/plan/bytecode.h"
#include "test/fuzz/bytecode_target.h"

namespace upg::fuzz {
namespace {

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : rng_(seed) {}
  std::size_t below(std::size_t n) { return n == 0 ? 0 : rng_() % n; }

  void change(std::string &bytes) {
    static constexpr unsigned char kInteresting[] = {0x00, 0x01, 0x02, 0x7f, 0x80, 0xfe, 0xff};
    const std::size_t at = below(bytes.size() + 1);
    switch (below(7)) {
      case 0:
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        return;
      case 1:
        if (at < bytes.size()) bytes[at] = static_cast<char>(kInteresting[below(7)]);
        return;
      case 2:
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] + (below(2) == 0 ? 1 : -1));
        return;
      case 3:
        bytes.insert(at, 1, static_cast<char>(below(256)));
        return;
      case 4:
        bytes.erase(at, 1 + below(4));
        return;
      case 5:
        bytes.insert(at, bytes.substr(below(bytes.size() + 1), 1 + below(8)));
        return;
      default:
        bytes.insert(at, "\xff\xff\xff\xff\x0f");
        return;
    }
  }

 private:
  std::mt19937_64 rng_;
};

TEST(BytecodeMutations, RefusedOrValid) {
  Mutator mutator(20260815);
  std::size_t accepted = 0, tried = 0;
  for (std::uint64_t seed = 0; seed < 48; ++seed) {
    const std::vector<std::string> sections = split(seed_file(seed));
    ASSERT_EQ(join(sections), seed_file(seed));
    for (int i = 0; i < 1200; ++i, ++tried) {
      std::vector<std::string> changed = sections;
      for (std::size_t k = 0, n = 1 + mutator.below(3); k < n; ++k)
        mutator.change(changed[mutator.below(changed.size())]);
      const std::string file = join(changed);
      bool valid = false;
      ASSERT_EQ(try_file(file, valid), "") << "seed " << seed << " change " << i;
      accepted += valid ? 1 : 0;
    }
  }
  // both outcomes are met often enough to mean something
  EXPECT_GT(accepted, tried / 50);
  EXPECT_LT(accepted, tried * 49 / 50);
}

TEST(BytecodeMutations, RawFiles) {
  Mutator mutator(7);
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    const std::string file = seed_file(seed);
    for (int i = 0; i < 500; ++i) {
      std::string changed = file;
      mutator.change(changed);
      bool valid = false;
      ASSERT_EQ(try_file(changed, valid), "");
      ASSERT_EQ(valid, changed == file);
      plan::seal(changed);
      ASSERT_EQ(try_file(changed, valid), "");
    }
  }
}

}  // namespace
}  // namespace upg::fuzz

#include <gtest/gtest.h>

#include <random>

#include "runtime/diagnostics/render_json.h"
#include "runtime/diagnostics/render_text.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::diagnostics {
namespace {

/// Random diagnostics over random bytes: whatever is reported, the terminal gets printable text and nothing else.
class Hostile {
 public:
  explicit Hostile(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }

  std::string text(std::size_t most) {
    static constexpr std::string_view kPieces[] = {
        "a",  "await ", "\n",   "\r\n",   "\t",     "é", "漢", "😀",    "\u0301", "\x1b[", "\x07",
        "\0", "\xFF",   "\xE2", "\u202E", "\u200D", "{", "}",  "\x7F", "\u2028", " ",     "    "};
    std::string out;
    for (std::size_t n = below(most + 1); n > 0; --n) {
      out += below(40) == 0 ? std::string(300, 'x') : std::string(kPieces[below(std::size(kPieces))]);
    }
    return out;
  }

  Range range(const Sources &sources) {
    if (below(10) == 0) return {};
    const auto file = static_cast<std::uint32_t>(below(sources.size() + 1));
    const auto limit = file < sources.size() ? sources.text(FileId{file}).size() + 3 : 10;
    const auto begin = static_cast<std::uint32_t>(below(limit)), end = static_cast<std::uint32_t>(below(limit));
    return {FileId{file}, begin, below(5) == 0 ? end : std::max(begin, end)};
  }

  Diagnostic diagnostic(const Sources &sources) {
    Diagnostic d{};
    d.kind = static_cast<Kind>(below(static_cast<std::size_t>(Kind::count_)));
    d.message = text(5);
    d.primary = {range(sources), text(3)};
    for (std::size_t n = below(5); n > 0; --n) d.secondary.push_back({range(sources), text(3)});
    for (std::size_t n = below(3); n > 0; --n) d.notes.push_back(text(5));
    for (std::size_t n = below(3); n > 0; --n) d.helps.push_back(text(5));
    for (std::size_t n = below(3); n > 0; --n) {
      FixIt fix{text(2), {}};
      for (std::size_t m = below(4); m > 0; --m) fix.edits.push_back({range(sources), text(3)});
      d.fixes.push_back(std::move(fix));
    }
    for (std::size_t n = below(4); n > 0; --n) d.schedule.push_back({text(2), text(3), range(sources)});
    return d;
  }

 private:
  std::mt19937 random_;
};

std::string first_fault(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text, at);
    if (!step.valid) return "invalid UTF-8";
    if (step.code_point != '\n' && must_escape(step.code_point)) return "raw " + escaped(step);
    if (step.code_point == '\n' && at > 0 && text[at - 1] == ' ' && at > 1 && text[at - 2] == '|')
      return "blank after a bar";
    at += step.length;
  }
  return {};
}

TEST(Hostile, NothingRawReachesTheTerminal) {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    Hostile hostile(seed);
    Sources sources;
    for (std::size_t n = hostile.below(4); n > 0; --n) sources.add(hostile.text(3), hostile.text(60));
    Sink sink;
    for (int i = 0; i < 3; ++i) sink.report(hostile.diagnostic(sources));
    const std::string text = render_text(sink, sources);
    ASSERT_EQ(first_fault(text), "") << "seed " << seed << "\n" << text;
    ASSERT_LT(text.size(), 200'000u) << "seed " << seed;
    ASSERT_FALSE(render_json(sink, sources).empty());
  }
}

}  // namespace
}  // namespace upg::diagnostics

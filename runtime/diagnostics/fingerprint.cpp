#include "runtime/diagnostics/fingerprint.h"

#include <fmt/format.h>
#include <llvm/ADT/StringRef.h>
#include <llvm/Support/SHA256.h>

#include <array>
#include <cstdint>

#include "runtime/diagnostics/excerpt.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::diagnostics {
namespace {

constexpr std::size_t kBlock = 100;
constexpr std::uint64_t kFactor = 37;
constexpr std::uint32_t kEnd = 0xffff;
constexpr std::size_t kNoLine = SIZE_MAX;

/// A hash over a window that rolls over the units of a file; a line's hash is ready when its first unit leaves it.
class LineHasher {
 public:
  LineHasher() {
    for (std::size_t i = 0; i < kBlock; ++i) out_factor_ *= kFactor;
    lines_of_.fill(kNoLine);
  }

  void take(std::uint32_t unit) {
    if (unit == ' ' || unit == '\t' || (after_return_ && unit == '\n')) {
      after_return_ = false;
      return;
    }
    after_return_ = unit == '\r';
    if (unit == '\r') unit = '\n';
    if (lines_of_[at_] != kNoLine) put_line();
    if (line_begins_) {
      line_begins_ = false;
      lines_of_[at_] = lines_++;
    }
    if (unit == '\n') line_begins_ = true;
    roll(unit);
  }

  std::vector<std::string> finish() {
    take(kEnd);
    for (std::size_t i = 0; i < kBlock; ++i) {
      if (lines_of_[at_] != kNoLine) put_line();
      roll(0);
    }
    return std::move(out_);
  }

 private:
  void roll(std::uint32_t unit) {
    const std::uint32_t leaves = window_[at_];
    window_[at_] = unit;
    hash_ = kFactor * hash_ + unit - out_factor_ * leaves;
    at_ = (at_ + 1) % kBlock;
  }
  void put_line() {
    const std::size_t line = lines_of_[at_];
    if (out_.size() <= line) out_.resize(line + 1);
    out_[line] = fmt::format("{:x}:{}", hash_, ++counts_[hash_]);
    lines_of_[at_] = kNoLine;
  }

  std::array<std::uint32_t, kBlock> window_{};
  std::array<std::size_t, kBlock> lines_of_{};  // the line that begins at each unit of the window
  std::size_t at_ = 0, lines_ = 0;
  std::uint64_t hash_ = 0, out_factor_ = 1;
  bool line_begins_ = true, after_return_ = false;
  std::map<std::uint64_t, std::size_t> counts_;
  std::vector<std::string> out_;
};

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

}  // namespace

std::vector<std::string> line_hashes(std::string_view text) {
  LineHasher hasher;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text, at);
    at += step.length;
    const auto unit = static_cast<std::uint32_t>(step.valid ? step.code_point : 0xfffd);
    if (unit < 0x10000) {
      hasher.take(unit);
    } else {
      const std::uint32_t beyond = unit - 0x10000;
      hasher.take(0xd800 + (beyond >> 10));
      hasher.take(0xdc00 + (beyond & 0x3ff));
    }
  }
  return hasher.finish();
}

std::string Fingerprints::of(const Diagnostic &diagnostic) {
  const Range range = clamped(diagnostic.primary.range, sources_);
  std::string content(info(diagnostic.kind).code);
  content += '\0';
  if (range.valid()) {
    content += sources_.path(range.file) + '\0';
    content += trimmed(sources_.text(sources_.line(range.file, sources_.line_of(range.file, range.begin))));
  }
  content += '\0' + diagnostic.message;
  const std::size_t before = seen_[content]++;
  if (before > 0) content += fmt::format(" #{}", before);
  llvm::SHA256 hash;
  hash.update(llvm::StringRef(content));
  std::string out;
  for (const char byte : hash.final()) out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return out;
}

std::string Fingerprints::line_hash(Range range) {
  range = clamped(range, sources_);
  if (!range.valid()) return {};
  auto [home, fresh] = hashes_.try_emplace(range.file.index);
  if (fresh) home->second = line_hashes(sources_.text(range.file));
  const std::uint32_t line = sources_.line_of(range.file, range.begin);
  return line <= home->second.size() ? home->second[line - 1] : std::string();
}

}  // namespace upg::diagnostics

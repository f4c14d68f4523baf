#include "runtime/diagnostics/diagnostic.h"

#include <llvm/ADT/StringRef.h>

#include <algorithm>
#include <array>
#include <cassert>

namespace upg::diagnostics {
namespace {

constexpr auto error = Severity::error;
[[maybe_unused]] constexpr auto warning = Severity::warning;

constexpr std::array<KindInfo, static_cast<std::size_t>(Kind::count_)> kKinds{{
#define UPG_DIAGNOSTIC(name, code, severity, title) {#name, code, severity, title},
#include "runtime/diagnostics/kinds.def"
}};

constexpr bool codes_are_sound() {
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    const std::string_view code = kKinds[i].code;
    if (code.size() != 5) return false;
    if (code[0] != (kKinds[i].severity == Severity::error ? 'E' : 'W')) return false;
    for (std::size_t digit = 1; digit < 5; ++digit) {
      if (code[digit] < '0' || code[digit] > '9') return false;
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (kKinds[j].code == code) return false;
    }
  }
  return true;
}
static_assert(codes_are_sound(),
              "a code in kinds/*.def is used twice, is not a letter and four digits, or its letter "
              "(E error, W warning) does not fit its severity");

bool same(const Diagnostic &a, const Diagnostic &b) {
  return a.kind == b.kind && a.primary.range == b.primary.range && a.message == b.message;
}

}  // namespace

const KindInfo &info(Kind kind) {
  assert(kind < Kind::count_);
  return kKinds[static_cast<std::size_t>(kind)];
}

std::span<const KindInfo> all_kinds() { return kKinds; }

Diagnostic &Sink::report(Diagnostic diagnostic) {
  const auto twin = std::find_if(diagnostics_.begin(), diagnostics_.end(),
                                 [&](const Diagnostic &other) { return same(other, diagnostic); });
  if (twin != diagnostics_.end()) {
    scratch_ = std::move(diagnostic);
    return scratch_;
  }
  std::size_t &count = diagnostic.severity() == Severity::error ? errors_ : warnings_;
  if (++count > limit_) {
    ++dropped_;
    scratch_ = std::move(diagnostic);
    return scratch_;
  }
  return diagnostics_.emplace_back(std::move(diagnostic));
}

void Sink::raise_warnings() {
  for (Diagnostic &diagnostic : diagnostics_) diagnostic.raised = diagnostic.severity() == Severity::warning;
  errors_ += warnings_;
  warnings_ = 0;
}

std::string_view did_you_mean(std::string_view word, std::span<const std::string_view> candidates) {
  constexpr std::size_t kLongestWord = 64;  // the distance is quadratic and the word may be hostile
  if (word.empty() || word.size() > kLongestWord) return {};
  const llvm::StringRef meant(word.data(), word.size());
  const std::string lower = meant.lower();
  unsigned best = static_cast<unsigned>(std::max<std::size_t>(1, (word.size() + 1) / 3)) + 1;
  std::string_view found;
  for (const std::string_view candidate : candidates) {
    if (candidate.empty() || candidate.size() > kLongestWord || candidate == word) continue;
    const llvm::StringRef name(candidate.data(), candidate.size());
    const unsigned distance =
        std::min(meant.edit_distance(name, true, best), llvm::StringRef(lower).edit_distance(name.lower(), true, best));
    if (distance < best && distance < candidate.size()) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

std::string counted(std::int64_t number, std::string_view noun) {
  return std::to_string(number) + ' ' + std::string(noun) + (number == 1 ? "" : "s");
}

}  // namespace upg::diagnostics

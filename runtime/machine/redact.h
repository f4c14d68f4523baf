#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace upg::machine {

/// Takes secrets out of what is shown or kept. A secret of fewer than 4 bytes is not looked for: it would be found
/// everywhere.
class Redaction {
 public:
  static constexpr std::size_t kShortest = 4;

  /// A secret and what stands in its place. A long line of a secret of several lines is looked for by itself too, and
  /// both as they stand in JSON.
  void add(const std::string &name, const std::string &secret);
  bool empty() const { return patterns_.empty(); }

  std::string hide(std::string_view text) const;
  /// The secrets back in their places.
  std::string restore(std::string_view text) const;

  /// For text that comes in pieces: what is held back may be the beginning of a secret.
  std::string hide_piece(std::string &held, std::string_view piece) const;
  std::string hide_rest(std::string &held) const;

 private:
  struct Pattern {
    std::string text, instead;
  };
  void pattern(std::string text, const std::string &instead);
  std::vector<Pattern> patterns_;                             // longest first
  std::vector<std::pair<std::string, std::string>> secrets_;  // what stands in the place, secret
};

}  // namespace upg::machine

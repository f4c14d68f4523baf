#pragma once
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/safety/rules/shell_variables.h"
#include "runtime/safety/rules/shell_words.h"

namespace upg::safety {

inline constexpr int kMaxNesting = 8;  // of `sh -c` and `$( )`; deeper text is matched as it stands

/// Words of a shell that stand before a command.
inline constexpr std::array<std::string_view, 11> kKeywords{"then",  "do", "else", "elif", "if",    "while",
                                                            "until", "!",  "{",    "}",    "coproc"};
template <std::size_t N>
bool one_of(const std::array<std::string_view, N> &words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}
/// `NAME=value`
bool is_assignment(std::string_view word);
/// A program without its directory.
std::string_view base_name(std::string_view program);
/// The words from one on, blanks between them.
std::string joined(const std::vector<Word> &words, std::size_t from);

/// Takes command lines and the text of a shell apart; appends the simple commands to a list.
class Script {
 public:
  explicit Script(std::vector<SimpleCommand> &out, Environment environment = {})
      : out_(out), environment_(std::move(environment)) {}

  /// Every command of a script. True if one of them reads a script from its standard input: `sh`, `ssh HOST`.
  bool text(std::string_view script, int depth = 0);
  /// Peels off what wraps the command and keeps the rest. True if it reads a script from its standard input.
  bool keep(const std::vector<Word> &words, bool follows = false, int depth = 0);
  /// A file that the output of a command goes to.
  void writes(const Word &file, bool follows);
  /// A shell reads what nobody can tell.
  void reads_unseen(std::string why, bool follows);

  /// Whether so much more may be put in the place of variables and aliases: what is read stays linear in what is
  /// written.
  bool affords(std::size_t bytes) const;
  /// What a variable is in this reading; nothing if it is not known.
  const std::string *value(std::string_view variable) const;
  /// What was set in the script.
  Variables &variables() { return variables_; }

 private:
  struct Peeling;

  std::vector<SimpleCommand> &out_;
  Environment environment_;
  Variables variables_;
  std::map<std::string, std::string, std::less<>> aliases_;
  bool in_alias_ = false;
  mutable std::size_t expanded_ = 0;  // bytes that variables and aliases have become
};

}  // namespace upg::safety

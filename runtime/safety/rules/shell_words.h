#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "runtime/plan/plan.h"

namespace upg::safety {

/// Stands for something known at run time only: a `*` of a pattern matches it, nothing else does.
inline constexpr char kHole = '\x01';

/// One word of a command line as the program gets it.
struct Word {
  std::string text;
  bool splits = false;    // an expansion of the shell outside quotes: it may become several words, or none
  std::string begins_as;  // the expansion that it begins with and that nobody knows, as written: `$R`
};

/// A command without what only wraps it: `sudo`, `env`, assignments, `sh -c`, the directory of the program.
struct SimpleCommand {
  std::vector<Word> words;  // the program first; never empty
  bool follows = false;     // runs only if the command before it succeeded: `&&`, `then`
  std::string unseen;       // why nobody can say which program this is; empty if it is plain to see
  std::string text() const;
  /// The same with options one by one: `rm -vrf x` is `rm -v -r -f x`.
  std::string spread() const;
};

/// The simple commands of a `run` or `shell` node in the order of the text, those inside `$( )`, `sh -c`, `xargs`,
/// `find -exec`, an alias and a here-document for a shell too; a file that is written to is the command `> FILE`, a
/// file that a shell reads also a program of its own. What is interpolated is a hole. Where it depends on an option
/// whether the word behind it is the command, or on what a variable was set to, all readings are there, one after the
/// other.
std::vector<SimpleCommand> commands_of(const plan::Plan &plan, plan::NodeId node);

/// Whether the pattern (`*` any text, `?` one character) matches the whole text.
bool matches_pattern(std::string_view pattern, std::string_view text);

/// What a `command` line says, `P | Q except R | S`, taken apart. Views into the text of the line.
class CommandPatterns {
 public:
  explicit CommandPatterns(std::string_view line);

  /// The first pattern that matches the command, as written or with its options one by one; empty if none does, or if
  /// one of the exceptions does.
  std::string_view matching(std::string_view text, std::string_view spread) const;
  /// What a command begins with that the line may speak of, as written or with its options one by one: of each pattern
  /// the text before its first `*` or `?`.
  std::vector<std::string_view> beginnings() const;

 private:
  std::vector<std::string_view> patterns_, except_;
};

}  // namespace upg::safety

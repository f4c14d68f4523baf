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
  bool splits = false;  // an expansion of the shell outside quotes: it may become several words, or none
};

/// A command without what only wraps it: `sudo`, `env`, assignments, `sh -c`, the directory of the program.
struct SimpleCommand {
  std::vector<Word> words;  // the program first; never empty
  bool follows = false;     // runs only if the command before it succeeded: `&&`, `then`
  std::string text() const;
};

/// The simple commands of a `run` or `shell` node, those inside `$( )`, `sh -c` and `xargs` too, in the order of the
/// text. What is interpolated is a hole.
std::vector<SimpleCommand> commands_of(const plan::Plan &plan, plan::NodeId node);

/// Whether the pattern (`*` any text, `?` one character) matches the whole text.
bool matches_pattern(std::string_view pattern, std::string_view text);

}  // namespace upg::safety

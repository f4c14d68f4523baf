#pragma once
#include <string>
#include <string_view>

#include "runtime/machine/transport.h"

namespace upg::transport {

/// `text` as one word for a POSIX shell (also right for fish): in single quotes, each single quote as '\''.
std::string shell_quote(std::string_view text);

/// What frames the output of one command, so that neither noise of the login shell nor sudo's prompt is taken for it.
/// All three contain a random word.
struct Framing {
  std::string
      start;  // what the command's own shell writes to stdout first, after sudo has agreed; its pid and ':' follow
  std::string prompt;  // what sudo asks its password with on stderr; empty: no password will be given
  std::string end;     // steps: what the wrapper writes after the step's stdout, followed by its state; empty: none
};

/// A fresh framing; `word` must not repeat and not be guessable by what runs.
Framing make_framing(std::string_view word, bool password, bool step);

/// The command proper as text for /bin/sh -c: argv quoted or the script, behind its environment.
std::string inner_text(const machine::Command &command);

/// What to send as the exec request for a question.
std::string question_text(const machine::Command &command, const Framing &framing);

/// The environment of the command goes over its standard input, since it holds a secret.
bool sends_environment(const machine::Command &command);
/// Everything that standard input of the command's shell gets.
std::string whole_input(const machine::Command &command);

/// What to send as the exec request for a step. `state_directory` empty: the host's own default.
std::string step_text(const machine::Command &command, const Framing &framing, std::string_view state_directory);

/// Name of the directory that keeps a step or a lock on the host: what is readable of the key, and its hash.
std::string step_directory_name(std::string_view key);

/// The command behind a `lock_act`.
machine::Command lock_command(const machine::Command &command, std::string_view state_directory);

/// A command that removes what the host keeps of a step that has ended or vanished (a step that still runs is left
/// alone; exit status 3).
machine::Command forget_step(std::string key, machine::Millis timeout, std::string_view state_directory = {});

/// A single argument of exec may not be longer than this on Linux (MAX_ARG_STRLEN less what the wrapper adds).
inline constexpr std::size_t max_command_text = 96 * 1024;

}  // namespace upg::transport
